"""Tables in Parquet files that are read and written a few rows, or one column, at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 8192
"""Rows that are in memory at once."""


def writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False, store_schema=False)


def batches(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yields the rows in their order."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(ROWS, columns=columns)


class FileTable:
    """A table of which only the column that is asked for is in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with pq.ParquetFile(path) as file:
            self._schema, self._rows = file.schema_arrow, file.metadata.num_rows
        self.column_names = self._schema.names

    def __len__(self) -> int:
        return int(self._rows)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        with pq.ParquetFile(self._path) as file:
            return file.read(columns=[name])[name]

    def write(self, path: Path, mask: pa.Array) -> None:
        """Writes the rows for which ``mask`` is True."""
        with writer(path, self._schema) as out:
            start = 0
            for batch in batches(self._path):
                chosen = batch.filter(mask.slice(start, len(batch)))
                start += len(batch)
                if len(chosen):
                    out.write_batch(chosen)
