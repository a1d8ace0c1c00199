"""Describes the columns of a table: missing and distinct values, and the range of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pyarrow as pa

from modelyard_api.kinds.datasetversion import VersionColumn
from modelyard_runtime.tables.versions.chunk import Chunk
from modelyard_runtime.tables.versions.distinct import Distinct


class Description:
    def __init__(self, schema: pa.Schema) -> None:
        self._columns = {item.name: _Column(item.type) for item in schema}

    def update(self, chunk: Chunk) -> None:
        for name, column in self._columns.items():
            column.update(chunk, name)

    def distinct(self, name: str) -> int:
        """Returns how many different values a column has had, or the estimate of many."""
        return self._columns[name].distinct.count()

    def end(self, columns: Iterable[VersionColumn]) -> list[VersionColumn]:
        """Returns the columns with what was found in them."""
        return [self._columns[column.name].described(column) for column in columns]


class _Column:
    def __init__(self, kind: pa.DataType) -> None:
        self._has_range = pa.types.is_floating(kind) or pa.types.is_integer(kind)
        self._missing = 0
        self._least, self._greatest = math.inf, -math.inf
        self.distinct = Distinct()

    def update(self, chunk: Chunk, name: str) -> None:
        column = chunk.column(name)
        self._missing += column.null_count
        if self._has_range:
            least, greatest = chunk.extremes(name)
            if least is not None and greatest is not None:
                self._least, self._greatest = min(self._least, least), max(self._greatest, greatest)
        self.distinct.update(chunk.hashes_of_values(name))

    def described(self, column: VersionColumn) -> VersionColumn:
        found = {"missing": self._missing, "distinct": self.distinct.count()}
        if self._has_range and math.isfinite(self._least) and math.isfinite(self._greatest):
            found |= {"min": float(self._least), "max": float(self._greatest)}
        return column.model_copy(update=found)
