"""Distinct counts of many columns of numbers at once.

``hll_sketch.update`` takes one value a call, which for 64 columns would cost more than a prediction. But after its
first few thousand values nearly none changes a HyperLogLog: a value sets register ``slot`` to the number of leading
zeros of its hash, plus one, if that is more than it holds. So what each register would take is kept in an array, the
hashes are computed by NumPy, and only values that change a register are given to the sketch. What comes out is the
same, byte for byte.
"""

from __future__ import annotations

from typing import Any

import datasketches
import numpy as np
from numpy.typing import NDArray

from modelyard_api.sketches import HLL_LG_K

_K = 1 << HLL_LG_K
_SEED = np.uint64(9001)
"""DEFAULT_SEED of the library."""
_MAX_ZEROS = 62
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_SPARSE_MAX = _K / 8
"""While sparse, an estimate is that of the at most 3/32 * K hashes kept."""


class Distinct:
    """A HyperLogLog for each of ``columns`` columns."""

    def __init__(self, columns: int) -> None:
        self.sketches = [datasketches.hll_sketch(HLL_LG_K, datasketches.HLL_4) for _ in range(columns)]
        self._dense = np.zeros(columns, bool)
        """Columns whose sketch has left the library's sparse modes, which keep hashes, not registers."""
        self._held = np.full((columns, _K), _ALL)
        """By column and register: of a dense one, the largest hash with the leading zeros that it takes to change it;
        of a sparse one, the last hash that went there, since what comes again changes nothing."""
        self._first_slots = (np.arange(columns) * _K)[:, None]

    def fold(self, values: NDArray[np.float32]) -> None:
        """Takes [columns, n]; NaN does not count."""
        low, high = murmur3(values.astype(np.float64))
        low &= np.uint64(_K - 1)
        slots = low.view(np.int64)
        slots += self._first_slots
        held = self._held.take(slots)
        changes = high <= held
        sparse = np.flatnonzero(~self._dense)
        changes[sparse] = high[sparse] != held[sparse]
        changes &= values == values
        rows, places = changes.nonzero()
        slots, hashes = slots[rows, places], high[rows, places]
        dense = self._dense[rows]
        self._held.ravel()[slots[~dense]] = hashes[~dense]
        # The logarithm may round a hash up to the next power of two: then it passes once more, which harms nobody.
        zeros = np.minimum(64 - np.frexp(hashes[dense].astype(np.float64))[1], _MAX_ZEROS).astype(np.uint64)
        limits = (np.uint64(1) << (np.uint64(63) - zeros)) - np.uint64(1)
        np.minimum.at(self._held.ravel(), slots[dense], limits)
        updates = [sketch.update for sketch in self.sketches]
        for row, value in zip(rows.tolist(), values[rows, places].tolist(), strict=True):
            updates[row](value)
        for row in sparse.tolist():
            if self.sketches[row].get_estimate() > _SPARSE_MAX:
                self._dense[row] = True
                self._held[row] = _ALL


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
