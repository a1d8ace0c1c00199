"""Tables in Parquet files that are read a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 8192
"""Rows that are in memory at once."""


def batches(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yields the rows in their order."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(ROWS, columns=columns)
