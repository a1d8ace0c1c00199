"""Reads one Parquet file in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.names import checked
from modelyard_runtime.tables.reading.plain_types import UUID_BYTES, plain
from modelyard_runtime.tables.reading.unchanged import mark, unchanged
from modelyard_runtime.tables.reading.unpack import check_unpacked

MOST_ROWS = 1 << 16
BATCH_BYTES = 8 << 20
BUFFERS = 64 << 20
"""Bytes of the buffers of all columns."""
MOST_ROW_BYTES = 16 << 20
"""Most bytes that a row may have on the average of a group of rows."""


class ParquetFile:
    """A Parquet file whose footer was read. Raises UserError for one that is broken, and for columns that can't be."""

    def __init__(self, file: Path, name: str, ignored: frozenset[str] = frozenset()) -> None:
        self.file, self.name = file, name
        self.mark = mark(file)
        self.doubts: list[Doubt] = []
        with unchanged(file, name, self.mark):
            check_unpacked(file, name)
        with unchanged(file, name, self.mark), self._opened() as parquet:
            schema, self._row_bytes = parquet.schema_arrow, self._largest(parquet.metadata)
        indexes = _pandas_indexes(schema)
        self._columns = [index for index, column in enumerate(schema.names) if column not in indexes]
        self.names = checked([schema.names[index] for index in self._columns], name)
        if indexes:
            message = f"the index {', '.join(sorted(indexes))} that pandas wrote is left out; write it with index=False"
            self.doubts.append(Doubt(reason="IndexLeftOut", message=message, file=name))
        self._turns, fields = [], []
        for index, column in zip(self._columns, self.names, strict=True):
            kind = schema.field(index).type
            if column in ignored:
                to, turn = pa.null(), _nothing
            else:
                to, turn = plain(kind, column, name)
            self._tell(kind, column)
            self._turns.append(turn)
            fields.append(pa.field(column, to))
        self.schema = pa.schema(fields)

    def rows(self) -> Iterator[tuple[pa.RecordBatch, int, int]]:
        """Yields batches with the number of their first row, from 1, and the bytes that were read. Raises UserError."""
        first, size = 1, self.mark.size if self.mark else 0
        with unchanged(self.file, self.name, self.mark), self._opened(len(self.names)) as parquet:
            count = max(1, min(MOST_ROWS, BATCH_BYTES // max(1, self._row_bytes)))
            names = parquet.schema_arrow.names
            total = max(1, parquet.metadata.num_rows)
            try:
                for batch in parquet.iter_batches(count, columns=[names[index] for index in self._columns]):
                    arrays = [turn(batch.column(i)) for i, turn in enumerate(self._turns)]
                    rows = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
                    yield rows, first, size * (first - 1 + len(batch)) // total
                    first += len(batch)
            except (pa.ArrowException, OSError) as error:
                raise self._unreadable(error) from error

    def _opened(self, columns: int = 1) -> Any:
        try:
            return pq.ParquetFile(
                pa.OSFile(os.fsencode(self.file)),
                buffer_size=max(16 << 10, min(1 << 20, BUFFERS // columns)),
                pre_buffer=False,  # it would hold the columns of a whole group of rows
                coerce_int96_timestamp_unit="us",
                page_checksum_verification=True,
            )
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> UserError:
        problem = str(error).splitlines()[0][:200]
        message = f"{self.name!r} can't be read as Parquet: {problem}; write it again"
        return UserError("UnreadableFile", message, "spec.source")

    def _largest(self, metadata: Any) -> int:
        """Returns the greatest mean size of a row of the groups, in bytes. Raises UserError if that is too large."""
        groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
        largest = max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=0)
        if largest > MOST_ROW_BYTES:
            message = f"{self.name!r} has rows of {largest >> 20} MiB; at most {MOST_ROW_BYTES >> 20} MiB are allowed"
            raise UserError("RowTooLong", message, "spec.source")
        return int(largest)

    def _tell(self, kind: pa.DataType, column: str) -> None:
        if pa.types.is_duration(kind):
            message = "spans of time are read as seconds; write the unit that you want as a number"
            self.doubts.append(Doubt(column=column, reason="SpansAsSeconds", message=message, file=self.name))
        if pa.types.is_fixed_size_binary(kind) and kind.byte_width == UUID_BYTES:
            message = "16 bytes a value are read as the text of UUIDs; name the column in spec.ignore if they are none"
            self.doubts.append(Doubt(column=column, reason="BytesAsUUID", message=message, file=self.name))


def _nothing(values: Any) -> pa.Array:
    return pa.nulls(len(values))


def _pandas_indexes(schema: pa.Schema) -> set[str]:
    """Returns the columns that hold an index that had no name in pandas."""
    return {name for name in schema.names if name.startswith("__index_level_") and name.endswith("__")}
