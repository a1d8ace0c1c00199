"""Chooses on which side of the split each unit is, by its hash: a row, or all rows of a key or of a group.

So rows that are equal are on one side, and rows that come later leave the others where they are: but for the few next
to the cut while the share is exact, which it is up to ``EXACT`` units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.tables.versions import hashes
from modelyard_runtime.tables.versions.hashes import Hashes

EXACT = 100_000
"""Most different units of which an exact share is held out."""
_SPAN = 1 << 64


class Sides:
    """Give all units to ``see``, then ``settle``; if ``is_by_threshold``, sides are known before."""

    def __init__(self, share: float, seed: int, stratified: bool = False) -> None:
        self._share, self._stratified = share, stratified
        self._seed = hashes.mixed(np.array([seed], np.uint64))[0]
        self._threshold = np.uint64(min(int(share * _SPAN), _SPAN - 1))
        self.is_by_threshold = False
        self._waiting: list[tuple[Hashes, Hashes]] = []
        self._seen = 0
        self._units = _Units.of([])
        self._held_out: Hashes = np.zeros(0, np.uint64)

    def see(self, units: Hashes, strata: Hashes | None = None) -> None:
        """Takes the hash of each row's unit, and of its class if the split is stratified."""
        if self.is_by_threshold:
            return
        ranks = self._ranks(units)
        self._waiting.append((ranks, strata if strata is not None else np.zeros(len(ranks), np.uint64)))
        self._seen += len(ranks)
        if self._seen > EXACT:
            self._gather()

    def settle(self) -> None:
        """Decides on which side the units are, once all were seen."""
        if self.is_by_threshold:
            return
        self._gather()
        if not self.is_by_threshold:
            self._held_out = self._units.held_out(self._share, self._stratified)

    def of(self, units: Hashes) -> NDArray[np.bool_]:
        """Returns for each row whether it is held out."""
        ranks = self._ranks(units)
        if self.is_by_threshold:
            return ranks < self._threshold
        if not len(self._held_out):
            return np.zeros(len(ranks), bool)
        at = np.minimum(np.searchsorted(self._held_out, ranks), len(self._held_out) - 1)
        return self._held_out[at] == ranks

    def _ranks(self, units: Hashes) -> Hashes:
        return hashes.mixed(units ^ self._seed)

    def _gather(self) -> None:
        self._units = self._units.with_rows(self._waiting)
        self._waiting, self._seen = [], 0
        if len(self._units.ranks) > EXACT:
            self.is_by_threshold, self._units = True, _Units.of([])


class _Units:
    """Different pairs of a unit and a class, sorted, and the number of rows of each."""

    def __init__(self, ranks: Hashes, strata: Hashes, rows: NDArray[np.int64]) -> None:
        order = np.lexsort((strata, ranks))
        ranks, strata, rows = ranks[order], strata[order], rows[order]
        first = np.ones(len(ranks), bool)
        first[1:] = (ranks[1:] != ranks[:-1]) | (strata[1:] != strata[:-1])
        starts = np.flatnonzero(first)
        self.ranks, self.strata = ranks[starts], strata[starts]
        self.rows = np.add.reduceat(rows, starts) if len(starts) else rows

    @classmethod
    def of(cls, parts: list[tuple[Hashes, Hashes]]) -> _Units:
        empty = np.zeros(0, np.uint64)
        ranks = np.concatenate([empty, *(part[0] for part in parts)])
        return cls(ranks, np.concatenate([empty, *(part[1] for part in parts)]), np.ones(len(ranks), np.int64))

    def with_rows(self, parts: list[tuple[Hashes, Hashes]]) -> _Units:
        new = _Units.of(parts)
        return _Units(
            np.concatenate([self.ranks, new.ranks]),
            np.concatenate([self.strata, new.strata]),
            np.concatenate([self.rows, new.rows]),
        )

    def held_out(self, share: float, stratified: bool) -> Hashes:
        """Returns the sorted ranks of the units that are held out.

        The units of a class are those that have most of their rows in it: a unit that has rows of two classes is on one
        side with all of them.
        """
        order = np.lexsort((self.strata, -self.rows, self.ranks))
        ranks = self.ranks[order]
        first = np.ones(len(ranks), bool)
        first[1:] = ranks[1:] != ranks[:-1]
        starts = np.flatnonzero(first)
        rows = np.add.reduceat(self.rows[order], starts) if len(starts) else self.rows
        ranks, strata = ranks[starts], self.strata[order][starts]
        if not stratified:
            return ranks[: _cut(rows, share, least=1)]
        parts = [_of_class(ranks, rows, strata == stratum, share) for stratum in np.unique(strata)]
        return np.sort(np.concatenate(parts)) if parts else ranks


def _of_class(ranks: Hashes, rows: NDArray[np.int64], members: NDArray[np.bool_], share: float) -> Hashes:
    return ranks[members][: _cut(rows[members], share, least=0)]


def _cut(rows: NDArray[np.int64], share: float, least: int) -> int:
    """Returns how many of the units, in their order, have the number of rows that is nearest to the share: never all of
    them, and at least ``least`` unless the share is less than half a row."""
    if len(rows) < 2:
        return 0
    sums = np.concatenate([[0], np.cumsum(rows)])
    goal = round(share * int(sums[-1]))
    if goal == 0 or goal == sums[-1]:
        return 0 if goal == 0 or least == 0 else len(rows)
    return int(np.clip(np.argmin(np.abs(sums - goal)), least, len(rows) - 1))
