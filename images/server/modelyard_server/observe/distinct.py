"""Distinct counts of many columns of numbers at once.

``hll_sketch.update`` takes one value a call, which for 64 columns would cost more than a prediction. So a column's
first distinct values are kept as they are, and after them its HyperLogLog's registers, as an array that NumPy updates;
the library's sketch is made of them when it is asked for. Its registers are those that the library would have; its
estimate is that of a sketch that was merged (Apache DataSketches calls it out of order).
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
"""DEFAULT_SEED of the library."""
_MAX_ZEROS = 62
EXACT = 128
"""So many distinct values of a column are kept; the sketch of them is exact."""
_HEADER = struct.Struct("<8BdddII")
"""Of a sketch in mode HLL: sizes and modes; the estimator of one in order, which this is not; the sums of 2^-register
of the registers below 32, and of the others; how many are 0; exceptions, which HLL_8 has none of."""
_PREAMBLE = (10, 1, 7, HLL_LG_K, 0, 16, 0, 10)
"""Ten words of header, version 1, family HLL, size, no list, out of order, smallest register 0, mode HLL as HLL_8."""


class Distinct:
    """A HyperLogLog for each of ``columns`` columns."""

    def __init__(self, columns: int) -> None:
        self._few: dict[int, set[float]] = {column: set() for column in range(columns)}
        """By column, the values of those that have no registers yet."""
        self._registers = np.zeros((columns, _K), np.uint8)
        self._first_slots = (np.arange(columns) * _K)[:, None]

    def fold(self, values: NDArray[np.float32]) -> None:
        """Takes [columns, n], each column sorted; NaN, which comes last, does not count."""
        if not self._few:
            self._put(values, self._first_slots)
            return
        rest = [column for column in range(len(values)) if column not in self._few]
        if rest:
            self._put(values[rest], self._first_slots[rest])
        self._fold_few(values[list(self._few)])

    def freeze(self, column: int) -> bytes:
        """The sketch as it is now, HLL_4, compact."""
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
        """Takes the columns that have no registers yet; those that have too many values now get them."""
        new = np.concatenate([values[:, :1] == values[:, :1], values[:, 1:] > values[:, :-1]], axis=1)
        found = values[new]
        listed = found.tolist()
        ends = np.cumsum(np.count_nonzero(new, axis=1)).tolist()
        grown: dict[int, NDArray[Any]] = {}
        for (column, few), (start, end) in zip(self._few.items(), pairwise([0, *ends]), strict=True):
            if end - start <= EXACT:
                few.update(listed[start:end])
            if max(end - start, len(few)) > EXACT:
                # What is there twice changes nothing.
                grown[column] = np.concatenate([found[start:end], np.fromiter(few, np.float32, len(few))])
        if grown:
            counts = [len(part) for part in grown.values()]
            self._put(np.concatenate(list(grown.values())), np.repeat(self._first_slots[list(grown)], counts))
            for column in grown:
                del self._few[column]

    def _put(self, values: NDArray[Any], first_slots: NDArray[np.int64]) -> None:
        """Each into the registers that begin there. One is the number of leading zeros of a hash, plus one."""
        low, high = murmur3(values.astype(np.float64))
        low &= np.uint64(_K - 1)
        slots = low.view(np.int64)
        slots += first_slots
        registers = self._registers.ravel()
        # Whether it has as many leading zeros as the register says; shifted by 64 it is 0. Soon nearly none has.
        larger = high >> (np.uint64(64) - registers.take(slots)) == 0
        larger &= values == values
        # The upper 53 bits, which a double holds as they are.
        zeros = 53 - np.frexp((high[larger] >> np.uint64(11)).astype(np.float64))[1]
        np.maximum.at(registers, slots[larger], (np.minimum(zeros, _MAX_ZEROS) + 1).astype(np.uint8))


def murmur3(values: NDArray[np.float64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """MurmurHash3_x64_128 (Appleby) of each value's eight bytes, with -0.0 as 0.0, as the library hashes doubles."""
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
