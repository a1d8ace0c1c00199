"""Where a value was met."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa


class Where(Protocol):
    """A batch: its file, and the number of its first row as a spreadsheet shows it."""

    @property
    def file(self) -> str: ...
    @property
    def first_row(self) -> int: ...


class Place(NamedTuple):
    row: int
    file: str


def first_of(column: pa.Array, where: Where) -> dict[object, tuple[int, Place]]:
    """Returns each different value with how often it is met and where first, in that order."""
    encoded = column.dictionary_encode()
    rows = np.flatnonzero(encoded.is_valid().to_numpy(zero_copy_only=False))
    codes = encoded.indices.drop_null().to_numpy()
    values = encoded.dictionary.to_pylist()
    counts, first = np.bincount(codes, minlength=len(values)), np.zeros(len(values), np.int64)
    first[codes[::-1]] = rows[::-1]  # of several rows of a value the one that is written last stays: the first
    return {
        value: (count, Place(where.first_row + row, where.file))
        for value, count, row in zip(values, counts.tolist(), first.tolist(), strict=True)
    }
