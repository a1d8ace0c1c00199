"""Reads a Parquet file in batches of its own types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from modelyard_runtime.pod.errors import UserError


def columns(file: Path) -> list[str]:
    """Returns the columns. Raises UserError if the file has no valid footer."""
    return list(_opened(file).schema_arrow.names)


def rows(file: Path) -> Iterator[tuple[pa.RecordBatch, int, int]]:
    """Yields batches with the number of their first row and the bytes read so far. Raises UserError."""
    first = 1
    parquet = _opened(file)
    try:
        for batch in parquet.iter_batches(batch_size=1 << 16):
            yield batch, first, 0
            first += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from error


def _opened(file: Path) -> pa.parquet.ParquetFile:
    try:
        return pa.parquet.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> UserError:
    problem = str(error).splitlines()[0][:200] if str(error) else "it is empty"
    return UserError("UnreadableFile", f"{file.name!r} can't be read as Parquet: {problem}", "spec.source")
