"""Where files lie, whatever the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from modelyard_runtime.tables.sources.listing import File

PIECE = 1024 * 1024
"""Bytes of a file that are in memory at once."""
Wanted = Callable[[str], bool]
"""Whether a file of this name in a folder is part of the table."""


class Changed(Exception):
    """A file is not as it was when it was listed, or when it began to be fetched."""


class Place(Protocol):
    """Raises UserError, and Retriable where asking again may help."""

    is_folder: bool
    """Whether it may hold any number of files, to which others may be added meanwhile."""

    left_out: list[str]
    """What else is in the folder, as the last ``files`` has found it: files of other formats, and folders."""

    def files(self) -> list[File]:
        """Returns the files in the order of their names, at least one."""

    def version(self, file: File) -> str:
        """Returns what changes with the file's bytes. Raises Changed if it isn't as it was listed."""

    def read(self, file: File) -> Iterator[bytes]:
        """Yields the file's bytes."""
