"""Opens a file as its bytes, unpacked if its content is gzip, Zstandard or bzip2."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from modelyard_runtime.pod.errors import UserError

PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
"""How packed files begin."""
SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
STRANGE = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; save the table as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save the table as CSV",
    b"\xfd7zXZ": "packed with xz; use gzip, zstd or bzip2",
    b"7z\xbc\xaf": "a 7-Zip archive; use gzip, zstd or bzip2",
    b"Rar!": "a RAR archive; use gzip, zstd or bzip2",
    b"%PDF": "a PDF document; save the table as CSV",
    b"SQLite format 3\0": "an SQLite database; export the table as CSV",
    b"\x89HDF": "an HDF5 file; export the table as Parquet",
    b"PAR1": "a Parquet file; write spec.source.format: Parquet",
    b"ARROW1": "an Arrow file; export the table as Parquet",
    b"ORC": "an ORC file; export the table as Parquet",
    b"Obj\x01": "an Avro file; export the table as Parquet",
}
"""How files begin that are no text: what they are, and what to do."""
FREE_BYTES = 1 << 30
MOST_RATIO = 250
"""A packed file may unpack to FREE_BYTES, and beyond that to this many times the bytes that were read of it."""
MOST_BYTES = 1 << 40
"""Most bytes that a packed file may unpack to."""


def check_known(file: Path, name: str) -> bytes:
    """Returns the first bytes of a file. Raises UserError for what is known to be no text."""
    with file.open("rb") as start:
        magic = start.read(16)
    for begin, remedy in STRANGE.items():
        if magic.startswith(begin):
            raise UserError("UnreadableFile", f"{name!r} is {remedy}", "spec.source")
    return magic


def check_unpacked(file: Path, name: str) -> None:
    """Raises UserError for a packed file."""
    with file.open("rb") as start:
        magic = start.read(16)
    if magic.startswith(tuple(PACKED)):
        message = f"{name!r} is packed as a whole; bring it unpacked, as Parquet is compressed within"
        raise UserError("UnreadableFile", message, "spec.source")


class Unpacked:
    """The bytes of a file. ``done`` is how many bytes of the file itself were read."""

    def __init__(self, file: Path, name: str) -> None:
        """Raises UserError for what is known to be no text, and for a suffix that the content contradicts."""
        self._name, self._out = name, 0
        magic = check_known(file, name)
        self._codec = next((codec for begin, codec in PACKED.items() if magic.startswith(begin)), None)
        if magic and file.suffix.lower() in SUFFIXES and self._codec is None:
            message = f"{name!r} is not packed, though its name says so; rename it to {file.stem!r}"
            raise UserError("UnreadableFile", message, "spec.source")
        self._file: Any = pa.OSFile(os.fsencode(file))
        self._stream: Any = pa.CompressedInputStream(self._file, self._codec) if self._codec else self._file

    def read(self, size: int) -> bytes:
        """Returns up to ``size`` bytes; none at the end. Raises UserError for a broken or a boundless file."""
        try:
            data: bytes = self._stream.read(size)
        except OSError as error:
            problem = str(error).splitlines()[0]
            message = f"{self._name!r} is broken: {problem}; bring it again"
            raise UserError("UnreadableFile", message, "spec.source") from error
        self._out += len(data)
        if self._codec:
            self._check()
        return data

    @property
    def done(self) -> int:
        return int(self._file.tell())

    def _check(self) -> None:
        if self._out > MOST_BYTES or self._out > max(FREE_BYTES, MOST_RATIO * self.done):
            message = (
                f"{self._name!r} unpacks to {self._out} bytes from {self.done}, which is more than {MOST_RATIO} times "
                "as many; bring it unpacked if that is right"
            )
            raise UserError("UnpacksTooLarge", message, "spec.source")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._file.close()
