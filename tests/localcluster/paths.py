"""The folders of a cluster's own state, and of the cache for everything that can be built again."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .say import CannotRun, say

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
DEFAULT_NAME = "modelyard"
# The path is the same inside every node of every cluster, so that manifests may name it.
VOLUMES_IN_NODE = "/var/lib/modelyard/volumes"


def cache() -> Path:
    """Returns the folder of all that can be built again: ``$MODELYARD_CACHE``, or one in the user's cache folder."""
    given = os.environ.get("MODELYARD_CACHE")
    return Path(given or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modelyard").absolute()


def states() -> Path:
    """Returns the folder with a folder for each cluster: ``$MODELYARD_STATE``, or one in the user's state folder."""
    given = os.environ.get("MODELYARD_STATE")
    return Path(
        given or Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "modelyard"
    ).absolute()


def state(name: str) -> Path:
    """Returns the folder of one cluster, which ``down`` removes. Raises CannotRun if the name is not allowed."""
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?", name):
        raise CannotRun(
            f"--name {name!r} can't be a cluster's name: allowed are 1 to 30 lower-case letters, digits and '-',"
            " starting with a letter and not ending with '-'."
        )
    return states() / name


@contextmanager
def locked(what: str) -> Iterator[None]:
    """Holds the lock of that name, so that two callers never build or start the same thing at once."""
    folder = cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / what, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another command that has locked {what!r}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
