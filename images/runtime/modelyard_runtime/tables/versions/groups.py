"""Writes a Parquet file of rows that come in batches: the same rows give the same bytes, however they are cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_runtime.tables.versions import hashes

COMPRESSION = "zstd"
MOST_ROWS, MOST_BYTES = 1 << 17, 32 << 20
"""Bounds of a row group, which is in memory as a whole when it is written or read."""


class ParquetFile:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self._schema = path, schema
        texts = [item.name for item in schema if pa.types.is_string(item.type)]
        whole = [item.name for item in schema if pa.types.is_integer(item.type) or pa.types.is_timestamp(item.type)]
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression=COMPRESSION,
            use_dictionary=texts,
            column_encoding=dict.fromkeys(whole, "DELTA_BINARY_PACKED"),  # smaller, so that less is compressed
            write_statistics=[name for name in schema.names if name not in texts],  # texts take long to compare
            store_schema=False,
        )
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self.rows = 0

    def write(self, rows: pa.RecordBatch) -> None:
        self.rows += rows.num_rows
        sizes = np.cumsum(_sizes(rows))
        start = 0
        while start < rows.num_rows:
            before = int(sizes[start - 1]) if start else 0
            fitting = int(np.searchsorted(sizes, before + MOST_BYTES - self._bytes, side="right"))
            stop = min(start + MOST_ROWS - self._rows, max(fitting, start + 1 if not self._rows else start))
            if stop > start:
                stop = min(stop, rows.num_rows)
                self._waiting.append(rows.slice(start, stop - start))
                self._rows, self._bytes = self._rows + stop - start, self._bytes + int(sizes[stop - 1]) - before
            if stop < rows.num_rows or self._rows == MOST_ROWS:
                self._flush()
            start = stop

    def close(self) -> None:
        """Writes what waits, and the end of the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_batches(self._waiting), row_group_size=self._rows)
        self._waiting, self._rows, self._bytes = [], 0, 0


def _sizes(rows: pa.RecordBatch) -> np.ndarray:
    """Returns the bytes of each row, which depend on its values alone."""
    sizes = np.full(rows.num_rows, 8 * rows.num_columns, np.int64)
    for column in rows.columns:
        if pa.types.is_string(column.type):
            sizes += np.diff(hashes.text_buffers(column)[0])
    return sizes
