"""Counts the distinct values of many columns of numbers at once.

``hll_sketch.update`` takes one value per call, which for 64 columns would cost more than a prediction. So a column's
first distinct values are kept as they are; once there are more, the column keeps its HyperLogLog's registers in an
array that NumPy updates. The library's sketch is built from them on demand. The registers equal those of the library;
the estimate is that of a merged sketch (Apache DataSketches calls it out of order).
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import datasketches
import numpy as np
from numpy.typing import NDArray

from modelyard_api.wire.sketches import HLL_LG_K, union

_K = 1 << HLL_LG_K
_SEED = np.uint64(9001)
"""The library's DEFAULT_SEED."""
_MAX_ZEROS = 62
EXACT = 128
"""Most distinct values of a column that are kept as they are, whose count is exact."""
_HEADER = struct.Struct("<8BdddII")
"""The header of a sketch in mode HLL: eight bytes of sizes and modes; the estimate of an in-order sketch (unused: this
one is out of order); the sum of 2^-register over the registers below 32, and over the others; the number of registers
that are 0; the number of exceptions, which HLL_8 has none of."""
_PREAMBLE = (10, 1, 7, HLL_LG_K, 0, 16, 0, 10)
"""Ten words of header, version 1, family HLL, size, no list, out of order, smallest register 0, mode HLL as HLL_8."""


class Distinct:
    """A HyperLogLog for each of ``columns`` columns."""

    def __init__(self, columns: int) -> None:
        self._few: dict[int, set[float]] = {column: set() for column in range(columns)}
        """Column -> its distinct values, for the columns that have no registers yet."""
        self._registers = np.zeros((columns, _K), np.uint8)
        self._first_slots = (np.arange(columns) * _K)[:, None]

    def fold(self, values: NDArray[np.float32]) -> None:
        """Adds values [columns, n], each column sorted; NaN, which comes last, is not counted."""
        if not self._few:
            self._put(values, self._first_slots)
            return
        rest = [column for column in range(len(values)) if column not in self._few]
        if rest:
            self._put(values[rest], self._first_slots[rest])
        self._fold_few(values[list(self._few)])

    def freeze(self, column: int) -> bytes:
        """Returns the bytes of the column's current sketch, as compact HLL_4."""
        few = self._few.get(column)
        if few is not None:
            sketch = datasketches.hll_sketch(HLL_LG_K, datasketches.HLL_4)
            for value in sorted(few):
                sketch.update(value)
            return bytes(sketch.serialize_compact())
        registers = self._registers[column]
        parts = np.ldexp(1.0, -registers.astype(np.int32))
        large = registers >= 32
        sums = float(parts[~large].sum()), float(parts[large].sum())
        header = _HEADER.pack(*_PREAMBLE, 0.0, *sums, int(np.count_nonzero(registers == 0)), 0)
        return union([header + registers.tobytes()])

    def _fold_few(self, values: NDArray[np.float32]) -> None:
        """Adds the values of the columns without registers; those with more than EXACT values now get registers."""
        new = np.concatenate([values[:, :1] == values[:, :1], values[:, 1:] > values[:, :-1]], axis=1)
        distinct = values[new]
        listed = distinct.tolist()
        ends = np.cumsum(np.count_nonzero(new, axis=1)).tolist()
        grown: dict[int, NDArray[Any]] = {}
        for (column, few), (start, end) in zip(self._few.items(), pairwise([0, *ends]), strict=True):
            if end - start <= EXACT:
                few.update(listed[start:end])
            if max(end - start, len(few)) > EXACT:
                # Duplicates are harmless: a register keeps a maximum.
                grown[column] = np.concatenate([distinct[start:end], np.fromiter(few, np.float32, len(few))])
        if grown:
            counts = [len(part) for part in grown.values()]
            self._put(np.concatenate(list(grown.values())), np.repeat(self._first_slots[list(grown)], counts))
            for column in grown:
                del self._few[column]

    def _put(self, values: NDArray[Any], first_slots: NDArray[np.int64]) -> None:
        """Adds values to the registers at ``first_slots``. A register is one plus the most leading zeros of a hash."""
        low, high = murmur3(values.astype(np.float64))
        low &= np.uint64(_K - 1)
        slots = low.view(np.int64)
        slots += first_slots
        registers = self._registers.ravel()
        # True if the hash has at least as many leading zeros as the register says (NumPy shifts by 64 to 0): this
        # soon filters out nearly all values.
        larger = high >> (np.uint64(64) - registers.take(slots)) == 0
        larger &= values == values
        # The upper 53 bits, which a double represents exactly.
        zeros = 53 - np.frexp((high[larger] >> np.uint64(11)).astype(np.float64))[1]
        np.maximum.at(registers, slots[larger], (np.minimum(zeros, _MAX_ZEROS) + 1).astype(np.uint8))


def murmur3(values: NDArray[np.float64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Returns MurmurHash3_x64_128 (Appleby) of each value's eight bytes, with -0.0 as 0.0, as the library hashes
    doubles."""
    key: Any = (values + 0.0).view(np.uint64)
    key *= np.uint64(0x87C37B91114253D5)
    key = (key << np.uint64(31)) | (key >> np.uint64(33))
    key *= np.uint64(0x4CF5AD432745937F)
    high: Any = np.full(key.shape, _SEED ^ np.uint64(8))
    low = (key ^ _SEED) ^ np.uint64(8)
    low += high
    high += low
    low, high = _mix(low), _mix(high)
    low += high
    high += low
    return low, high


def _mix(bits: Any) -> Any:
    bits ^= bits >> np.uint64(33)
    bits *= np.uint64(0xFF51AFD7ED558CCD)
    bits ^= bits >> np.uint64(33)
    bits *= np.uint64(0xC4CEB9FE1A85EC53)
    bits ^= bits >> np.uint64(33)
    return bits
