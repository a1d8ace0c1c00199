"""How far the numbers of a column reach, and whether its ends are marks of missing values."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_runtime.tables.types.places import Place, Where

_LOW, _HIGH = (-1, -9, -99, -999, -9999, -99999, -999999), (99, 999, 9999, 99999, 999999, 9999999)
MARKS = frozenset((*_LOW, *_HIGH))
"""Numbers that people write for a missing one."""


class Span:
    """``least`` and ``greatest`` are of all numbers, ``inner`` of those that are no marks."""

    def __init__(self) -> None:
        self.least, self.greatest = math.inf, -math.inf
        self.inner = (math.inf, -math.inf)
        self.marks: dict[int, tuple[int, Place]] = {}
        self.different = self.left = 0
        """How many different whole numbers the first batch has, and how many single precision leaves of them."""
        self.count = 0

    def add(self, values: pa.Array, where: Where) -> None:
        """Adds numbers, booleans as 0 and 1, or instants as microseconds."""
        if not pa.types.is_floating(values.type):
            values = values.cast(pa.int64())
        if values.null_count == len(values):
            return
        if self.count == 0 and pa.types.is_integer(values.type):
            self._compare(values)
        self.count += len(values) - values.null_count
        low, high = self._ends(values)
        self.least, self.greatest = min(self.least, low), max(self.greatest, high)
        if low in MARKS or high in MARKS:
            numbers = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
            for mark in {low, high} & MARKS:
                mask = (numbers == mark) & values.is_valid().to_numpy(zero_copy_only=False)
                place = Place(where.first_row + int(np.argmax(mask)), where.file)
                count, first = self.marks.get(int(mark), (0, place))
                self.marks[int(mark)] = count + int(mask.sum()), first
            values = values.filter(pc.invert(pc.is_in(values, pa.array(list({low, high} & MARKS), values.type))))
            if values.null_count == len(values):
                return
            low, high = self._ends(values)
        self.inner = min(self.inner[0], low), max(self.inner[1], high)

    def mark(self) -> int | None:
        """Returns the least or greatest number if it is a mark, far from all others."""
        low, high = self.inner
        for mark in sorted(self.marks, key=lambda mark: self.marks[mark][0], reverse=True):
            is_end = mark in (self.least, self.greatest)
            if not is_end or low > high:
                continue
            if mark == -1 and low >= 0 and high > 5 and self.marks[mark][0] > 1:
                return mark
            away = low - mark if mark < 0 else mark - high
            if mark < -1 and (low >= 0 or away > high - low) and away > 0:
                return mark
            if mark > 0 and away > 2 * (high - low) and high > low:
                return mark
        return None

    def _compare(self, values: pa.Array) -> None:
        distinct = pc.unique(values).drop_null()
        singles = distinct.to_numpy().astype(np.float32)
        self.different, self.left = len(distinct), len(np.unique(singles))

    @staticmethod
    def _ends(values: pa.Array) -> tuple[float, float]:
        ends = pc.min_max(values)
        return ends["min"].as_py(), ends["max"].as_py()
