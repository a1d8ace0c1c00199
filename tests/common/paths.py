"""The repository's root, and the folder and the locks of everything that can be built again."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .say import say

REPO = Path(__file__).resolve().parent.parent.parent


def cache() -> Path:
    """Returns the folder of all that can be built again: ``$MODELYARD_CACHE``, or one in the user's cache folder."""
    return folder("MODELYARD_CACHE", "XDG_CACHE_HOME", ".cache")


def folder(variable: str, standard: str, usual: str) -> Path:
    """Returns our folder by our own variable, the standard's, or the usual place in the user's home."""
    given = os.environ.get(variable)
    return Path(given or Path(os.environ.get(standard) or Path.home() / usual) / "modelyard").absolute()


@contextmanager
def locked(what: str, folder: Path | None = None) -> Iterator[None]:
    """Holds the lock of that name, so that two callers never build or start the same thing at once.

    ``folder`` is for what two caches share.
    """
    locks = folder or cache() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with open(locks / what, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another command that has locked {what!r}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
