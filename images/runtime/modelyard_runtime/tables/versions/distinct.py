"""Counts distinct values: exactly while they are few, then by a HyperLogLog."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_runtime.tables.versions.hashes import Hashes

EXACT = 10_000
"""Most distinct values that are counted exactly."""
LG_REGISTERS = 12
"""The relative standard error of an estimate is 1.04 / sqrt(2^12), 1.6 %."""
_REGISTERS = 1 << LG_REGISTERS
_MOST = 64 - LG_REGISTERS


class Distinct:
    """Takes hashes of values, in any order and any number of times. The count depends on their set alone."""

    def __init__(self) -> None:
        self._few: Hashes | None = np.zeros(0, np.uint64)
        self._registers = np.zeros(0, np.uint8)

    @property
    def is_exact(self) -> bool:
        return self._few is not None

    def update(self, hashes: Hashes) -> None:
        if self._few is not None:
            merged = _merged(self._few, np.sort(pc.unique(pa.array(hashes)).to_numpy()))
            if len(merged) <= EXACT:
                self._few = merged
                return
            self._few, hashes, self._registers = None, merged, np.zeros(_REGISTERS, np.uint8)
        self._put(hashes)

    def count(self) -> int:
        """Returns the number of different values, or its estimate."""
        return len(self._few) if self._few is not None else round(_estimate(self._registers))

    def _put(self, hashes: Hashes) -> None:
        least = int(self._registers.min())
        if least:
            hashes = hashes[hashes < np.uint64(1 << (64 - least))]
        slots = (hashes & np.uint64(_REGISTERS - 1)).view(np.int64)
        rest = hashes >> np.uint64(LG_REGISTERS)
        # A hash matters only if it has at least as many leading zeros as its register says: soon nearly none has.
        larger = rest >> (np.uint64(_MOST) - np.minimum(self._registers.take(slots), _MOST)) == 0
        zeros = _MOST - np.frexp(rest[larger].astype(np.float64))[1]
        np.maximum.at(self._registers, slots[larger], (zeros + 1).astype(np.uint8))


def _merged(known: Hashes, new: Hashes) -> Hashes:
    """Returns the union of sorted, different hashes, sorted."""
    if not len(known):
        return new
    at = np.searchsorted(known, new)
    is_new = known[np.minimum(at, len(known) - 1)] != new
    return np.insert(known, at[is_new], new[is_new]) if is_new.any() else known


def _estimate(registers: np.ndarray) -> float:
    """Returns the improved raw estimate (Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches",
    algorithm 6), which needs no correction for small or large counts."""
    counts = np.bincount(registers, minlength=_MOST + 2).tolist()
    z = _REGISTERS * _tau(1 - counts[_MOST + 1] / _REGISTERS)
    for k in range(_MOST, 0, -1):
        z = (z + counts[k]) / 2
    z += _REGISTERS * _sigma(counts[0] / _REGISTERS)
    return _REGISTERS**2 / (2 * log(2) * z)


def _sigma(x: float) -> float:
    if x == 1:
        return inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before, z = z, z + x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x = sqrt(x)
        y /= 2
        before, z = z, z - (1 - x) ** 2 * y
    return z / 3
