"""Where a cluster keeps what is its own, and where everything that may be rebuilt is cached."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .say import CannotRun

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
DEFAULT_NAME = "modelyard"
# The same path inside every node, whatever the cluster is called, so that manifests may name it.
VOLUMES_IN_NODE = "/var/lib/modelyard/volumes"
# A path of a Unix socket holds 107 bytes; the longest that lies below a cluster's folder.
_LONGEST_SOCKET = "/1/containerd.sock.ttrpc"


def cache() -> Path:
    """The folder of all that can be built again: ``$MODELYARD_CACHE``, else below the user's cache folder."""
    given = os.environ.get("MODELYARD_CACHE")
    return Path(given or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modelyard").absolute()


def states() -> Path:
    """The folder with one folder a cluster: ``$MODELYARD_STATE``, else below the user's state folder."""
    given = os.environ.get("MODELYARD_STATE")
    return Path(
        given or Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "modelyard"
    ).absolute()


def state(name: str) -> Path:
    """The folder of one cluster; ``down`` removes it. Raises CannotRun for a name that can't be one."""
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?", name):
        raise CannotRun(
            f"--name {name!r} can't be a cluster's name: allowed are 1 to 30 lower-case letters, digits and '-',"
            " starting with a letter and not ending with '-'."
        )
    folder = states() / name
    if len(os.fsencode(f"{folder}{_LONGEST_SOCKET}")) > 107:
        raise CannotRun(
            f"The path {folder} is too long for the sockets that lie in it; set MODELYARD_STATE to a shorter one."
        )
    return folder


@contextmanager
def locked(what: str, *, shared: bool = False) -> Iterator[None]:
    """Holds the lock of that name: two callers never build or start the same at once; `shared` ones may together."""
    folder = cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / what, "w") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
