"""Holds the latest rows out: those from the instant on that leaves the share nearest to what is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Times = NDArray[np.int64]
_BINS, _AT_ONCE = 1024, 1_000_000


def times_of(column: pa.Array) -> Times:
    """Returns the instants of a column without missing ones, as whole numbers."""
    present = column.drop_null()
    whole = present.view(pa.int64()) if pa.types.is_timestamp(present.type) else present
    return whole.to_numpy(zero_copy_only=False)


def cut_of(times: Callable[[], Iterator[Times]], share: float) -> tuple[int | None, int]:
    """Returns the first instant that is held out, None if there are fewer than two, and how many rows have one.

    Rows of one instant are on one side. ``times`` yields all instants, anew at each call: they are counted in ever
    narrower intervals, so that only few of them are in memory.
    """
    total, least, greatest = 0, None, None
    for part in times():
        if len(part):
            total += len(part)
            least = int(part.min()) if least is None else min(least, int(part.min()))
            greatest = int(part.max()) if greatest is None else max(greatest, int(part.max()))
    if least is None or greatest is None or least == greatest:
        return None, total
    goal = min(max(round(share * total), 1), total - 1)
    return _search(times, least, greatest, total - goal), total


def _search(times: Callable[[], Iterator[Times]], least: int, greatest: int, early: int) -> int:
    """Returns the instant after the first at which the number of earlier rows is nearest to ``early``."""
    low, high, before = least, greatest + 1, 0  # [low, high) has the cut, and ``before`` rows are earlier
    while True:
        width = -(-(high - low) // _BINS)
        counts = np.zeros(_BINS, np.int64)
        for part in times():
            # As unsigned numbers, whose difference can't overflow.
            above = _between(part, low, high).view(np.uint64) - np.uint64(low % (1 << 64))
            counts += np.bincount((above // np.uint64(width)).astype(np.int64), minlength=_BINS)
        ends = before + np.cumsum(counts)
        at = min(int(np.searchsorted(ends, early)), _BINS - 1)
        low, high, before = low + at * width, min(low + (at + 1) * width, high), int(ends[at] - counts[at])
        if counts[at] <= _AT_ONCE or width == 1:
            break
    return _nearest(times, low, high, greatest, max(early - before, 0), low <= least)


def _nearest(
    times: Callable[[], Iterator[Times]], low: int, high: int, greatest: int, early: int, has_first: bool
) -> int:
    """Returns the instant of [low, high), or the one that follows it, before which nearest to ``early`` of its rows
    are; not the first of all."""
    values, following = np.zeros(0, np.int64), greatest
    for part in times():
        values = np.union1d(values, _between(part, low, high))
        if (later := part[part >= high]).size:
            following = min(following, int(later.min()))
    candidates = np.union1d(values, [following])
    counted = np.zeros(len(candidates), np.int64)
    for part in times():
        counted += np.searchsorted(np.sort(_between(part, low, high)), candidates)
    if has_first:
        candidates, counted = candidates[1:], counted[1:]
    return int(candidates[np.argmin(np.abs(counted - early))])


def _between(part: Times, low: int, high: int) -> Times:
    return part[(part >= low) & (part <= high - 1)]


def mask_of(column: pa.Array, cut: int) -> NDArray[np.bool_]:
    """Returns for each row whether it is held out; one without an instant is not, since it can't be said to be late."""
    whole = column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return pc.fill_null(pc.greater_equal(whole, cut), False).to_numpy(zero_copy_only=False)
