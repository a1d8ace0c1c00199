"""Digests a table by its content, independent of the file it came in and of the batches in which it is seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.artifact import canonical
from modelyard_runtime.tables.versions import hashes

FORM = "modelyard-table-2"


class TableDigest:
    """The SHA-256 of the number of rows and of each column, sorted by name, as: its name, its type, the SHA-256 of the
    numbers of the rows without a value, and that of the values.

    Values are 64-bit little-endian numbers, UTC microseconds, one byte per boolean, or the lengths of texts and, by
    themselves, their bytes in UTF-8; 0 and "" stand under a null. The order of rows counts, that of columns doesn't;
    nor do a file's row groups, compression and metadata, or the sign of zero.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._columns = {item.name: _Column(pa.types.is_string(item.type)) for item in schema}
        self._rows = 0

    def update(self, rows: pa.RecordBatch) -> None:
        for name, column in self._columns.items():
            column.update(rows.column(name), self._rows)
        self._rows += rows.num_rows

    def end(self, types: Mapping[str, str]) -> str:
        total = hashlib.sha256(f"{FORM} {self._rows}".encode())
        for name, column in sorted(self._columns.items()):
            total.update(canonical([name, types[name], *column.end()]))
        return "sha256:" + total.hexdigest()


class _Column:
    def __init__(self, is_text: bool) -> None:
        self._missing, self._values = hashlib.sha256(), hashlib.sha256()
        self._texts = hashlib.sha256() if is_text else None

    def update(self, column: pa.Array, before: int) -> None:
        if column.null_count:
            missing = np.flatnonzero(~hashes.valid(column)) + before
            self._missing.update(missing.astype("<i8").tobytes())
        if self._texts is not None:
            offsets, data = hashes.text_buffers(pc.fill_null(column, "") if column.null_count else column)
            self._values.update(np.diff(offsets).astype("<i8").tobytes())
            self._texts.update(np.ascontiguousarray(data))
        elif pa.types.is_boolean(column.type):
            self._values.update(hashes.bits(column).astype(np.uint8))
        else:
            self._values.update(np.ascontiguousarray(hashes.bits(column).astype("<u8", copy=False)))

    def end(self) -> list[str]:
        parts = [self._missing, self._values, *([self._texts] if self._texts else [])]
        return [part.hexdigest() for part in parts]
