"""Where a value was met."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Where(Protocol):
    """A batch: its file, and the number of its first row as a spreadsheet shows it."""

    @property
    def file(self) -> str: ...
    @property
    def first_row(self) -> int: ...


class Place(NamedTuple):
    row: int
    file: str


class Distinct(NamedTuple):
    """The different values of a column as texts, in the order in which they are met; how often, and in which row each
    is first."""

    texts: pa.Array
    counts: NDArray[np.int64]
    rows: NDArray[np.int64]
    file: str

    def where(self, mask: NDArray[np.bool_]) -> Distinct:
        return Distinct(self.texts.filter(pa.array(mask)), self.counts[mask], self.rows[mask], self.file)

    def place(self, index: int) -> Place:
        return Place(int(self.rows[index]), self.file)


def distinct(column: pa.Array, where: Where) -> Distinct:
    """Returns the different values of a batch's column, but missing ones."""
    encoded = column.dictionary_encode()
    rows = np.flatnonzero(encoded.is_valid().to_numpy(zero_copy_only=False))
    codes = encoded.indices.drop_null().to_numpy()
    counts, first = np.bincount(codes, minlength=len(encoded.dictionary)), np.zeros(len(encoded.dictionary), np.int64)
    first[codes[::-1]] = rows[::-1]  # of several rows of a value the one that is written last stays: the first
    return Distinct(encoded.dictionary.cast(pa.string()), counts, where.first_row + first, where.file)
