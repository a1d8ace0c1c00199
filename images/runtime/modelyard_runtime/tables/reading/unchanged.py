"""Says when a file changes while it is read: what was read of it is no table then, and no user's mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from modelyard_runtime.pod.errors import Retriable, UserError


class Mark(NamedTuple):
    """What tells two states of a file apart."""

    inode: int
    size: int
    modified: int


def mark(file: Path) -> Mark | None:
    """Returns the state of the file; None if it is gone."""
    try:
        state = file.stat()
    except OSError:
        return None
    return Mark(state.st_ino, state.st_size, state.st_mtime_ns)


@contextmanager
def unchanged(file: Path, name: str, before: Mark | None) -> Iterator[None]:
    """Raises Retriable in place of any end of the block, good or bad, if the file is not as it was."""
    try:
        yield
    except (UserError, OSError) as error:
        _check(file, name, before, error)
        raise
    _check(file, name, before, None)


def _check(file: Path, name: str, before: Mark | None, cause: Exception | None) -> None:
    if mark(file) != before:
        message = f"{name!r} changed while it was read; it is read again once it is left alone"
        raise Retriable("SourceChanged", message) from cause
