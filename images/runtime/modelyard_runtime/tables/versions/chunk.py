"""Some rows of a typed table, with what several folds ask of their columns computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from modelyard_runtime.tables.versions import hashes
from modelyard_runtime.tables.versions.hashes import Hashes

Extremes = tuple[float | int | None, float | int | None]


@dataclass
class Chunk:
    """``rows`` are typed: 64-bit numbers, booleans, texts, instants in UTC microseconds; what is missing is null.

    ``numbers`` [rows] are the rows' numbers in ``file`` as a spreadsheet shows them.
    """

    rows: pa.RecordBatch
    numbers: NDArray[np.int64]
    file: str = ""
    _encoded: dict[str, pa.DictionaryArray] = field(default_factory=dict)
    _of_texts: dict[str, Hashes] = field(default_factory=dict)
    _hashes: dict[str, Hashes] = field(default_factory=dict)
    _extremes: dict[str, Extremes] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    @property
    def names(self) -> list[str]:
        return list(self.rows.schema.names)

    @cached_property
    def _columns(self) -> dict[str, pa.Array]:
        return dict(zip(self.names, self.rows.columns, strict=True))

    def column(self, name: str) -> pa.Array:
        return self._columns[name]

    def encoded(self, name: str) -> pa.DictionaryArray:
        """Returns a column as indices of its distinct values."""
        if name not in self._encoded:
            self._encoded[name] = self.column(name).dictionary_encode()
        return self._encoded[name]

    def hashes(self, name: str) -> Hashes:
        """Returns the hash of each value of a column."""
        if name not in self._hashes:
            column = self.column(name)
            if pa.types.is_string(column.type):
                self._hashes[name] = hashes.of_indices(self.encoded(name).indices, self._of_distinct_texts(name))
            else:
                self._hashes[name] = hashes.of_numbers(column)
        return self._hashes[name]

    def hashes_of_values(self, name: str) -> Hashes:
        """Returns the hashes of a column's values, those of texts once each, without missing ones."""
        column = self.column(name)
        if pa.types.is_string(column.type):
            return self._of_distinct_texts(name)
        return self.hashes(name)[hashes.valid(column)] if column.null_count else self.hashes(name)

    def _of_distinct_texts(self, name: str) -> Hashes:
        if name not in self._of_texts:
            self._of_texts[name] = hashes.of_texts(self.encoded(name).dictionary)
        return self._of_texts[name]

    @cached_property
    def row_hashes(self) -> Hashes:
        """The hash of each whole row."""
        return self.hashes_of(self.names)

    def hashes_of(self, names: list[str]) -> Hashes:
        """Returns the hash of each row's values in these columns."""
        return hashes.of_rows([(name, self.hashes(name)) for name in names])

    def where(self, mask: NDArray[np.bool_]) -> Chunk:
        return Chunk(self.rows.filter(pa.array(mask)), self.numbers[mask], self.file)

    def with_values(self, name: str) -> tuple[Chunk, int]:
        """Returns the rows that have a value in this column, and how many have none."""
        missing = self.column(name).null_count
        return (self.where(hashes.valid(self.column(name))) if missing else self), missing

    def extremes(self, name: str) -> Extremes:
        """Returns the smallest and the greatest number of a column, None if it has no value."""
        if name not in self._extremes:
            both = pc.min_max(self.column(name))
            self._extremes[name] = both["min"].as_py(), both["max"].as_py()
        return self._extremes[name]


def numbered(
    rows: pa.RecordBatch, first: int, file: str = "", encoded: Mapping[str, pa.DictionaryArray] | None = None
) -> Chunk:
    """Returns rows of which the first has this number; ``encoded`` are columns of texts as indices of their distinct
    ones, as far as they are known."""
    return Chunk(rows, np.arange(first, first + rows.num_rows), file, dict(encoded or {}))
