"""What a column's values are distributed like: bins of numbers and times, or the most frequent values one by one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from modelyard_api.kinds.datasetversion import VersionColumn
from modelyard_api.wire.sketches import MAX_TEXT, Column
from modelyard_models.live import cut
from modelyard_runtime.tables.report import values
from modelyard_runtime.tables.report.axis import Axis
from modelyard_runtime.tables.report.spread import Shares, Spread, axis_of, shares, spread_of
from modelyard_runtime.tables.report.text import count, percent, plain

MOST_BARS = 8
"""Most texts that are drawn, and most whole numbers that are drawn one by one."""
OTHERS, MISSING = "others", "missing"
NOTHING = "It has no values."
LEFT = 1e-9
"""A share up to this is what rounding leaves."""


class Bar(NamedTuple):
    """A value with its share of all rows; ``was`` is that of the parent. ``rest`` stands for others and for missing."""

    value: str
    share: float
    was: float | None = None
    rest: bool = False


class Histogram(NamedTuple):
    """Shares of the numbers that there are, those of the parent among them."""

    axis: Axis
    is_: Shares
    was: Shares | None


@dataclass(frozen=True)
class Distribution:
    """One of ``histogram`` and ``bars``, or neither if nothing can be drawn; ``note`` says what to know of it."""

    histogram: Histogram | None = None
    bars: tuple[Bar, ...] = ()
    spread: Spread | None = None
    note: str = ""

    def groups(self, column: pa.ChunkedArray, is_text: bool) -> NDArray[np.int64]:
        """Returns for each value of the sample the position of its bar or bin, -1 if it has none."""
        if self.histogram:
            edges = self.histogram.axis.edges
            numbers = values.numbers(column)
            found = np.searchsorted(edges, numbers, side="right") - 1
            found = np.where(numbers == edges[-1], len(edges) - 2, found)
            return np.where((found < 0) | (found > len(edges) - 2) | np.isnan(numbers), -1, found)
        place = {bar.value: index for index, bar in enumerate(self.bars) if not bar.rest}
        rest = {bar.value: index for index, bar in enumerate(self.bars) if bar.rest}
        codes, words = (
            values.texts(column) if is_text or pa.types.is_boolean(column.type) else _whole(values.numbers(column))
        )
        keys = [word if len(word) <= MAX_TEXT else cut(word) for word in words]
        known = np.array([place.get(key, rest.get(OTHERS, -1)) for key in keys] or [-1])
        return np.where(codes < 0, rest.get(MISSING, -1), known[np.maximum(codes, 0)])


def distribution(
    column: VersionColumn, is_: Column | None, was: Column | None, sample: pa.ChunkedArray, is_whole: bool
) -> Distribution:
    """Returns how a column is distributed: by its sketch ``is_``, or by the sample if that has all rows (``is_whole``),
    or if there is no sketch that helps. ``was`` is the parent's sketch."""
    if is_ is not None and was is not None and is_.kind != was.kind:
        was = None
    if not values.is_number(sample):
        return _texts(None if is_whole else is_, was, sample, is_whole)
    numbers, is_time = values.numbers(sample), column.type == "Timestamp"
    spread = spread_of(None if is_whole else is_, numbers[np.isfinite(numbers)], is_time)
    if spread is None:
        return Distribution(note=NOTHING)
    before = spread_of(was, np.array([]), is_time) if was else None
    both = [one for one in (spread, before) if one]
    low, high = min(one.extremes()[0] for one in both), max(one.extremes()[1] for one in both)
    if column.type == "Boolean":
        return _one_by_one((spread, is_), (before, was), {0: "false", 1: "true"})
    if column.type == "Integer" and high - low < MOST_BARS:
        each = range(int(low), int(high) + 1)
        return _one_by_one((spread, is_), (before, was), {number: f"{number}" for number in each})
    if low == high:
        return Distribution(spread=spread, note="All its values are the same.")
    on = axis_of(both, column.type == "Integer", is_time)
    drawn = Histogram(on, shares(spread, on), shares(before, on) if before else None)
    return Distribution(drawn, spread=spread, note=_outside(drawn.is_))


def _outside(drawn: Shares) -> str:
    ends = [
        f"{percent(share)} are {word}" for share, word in ((drawn.below, "less"), (drawn.above, "more")) if share > 0
    ]
    return f"Beyond what is drawn: {' and '.join(ends)}." if ends else ""


def _one_by_one(
    now: tuple[Spread, Column | None], before: tuple[Spread | None, Column | None], names: dict[int, str]
) -> Distribution:
    """Returns a bar for each of a few whole numbers that follow one another. ``now`` and ``before`` have the numbers,
    and the sketch, which counts what is missing."""

    def listed(spread: Spread, sketch: Column | None) -> list[float]:
        present = 1 - (sketch.missing / sketch.count if sketch and sketch.count else 0.0)
        below = spread.below([*names, max(names) + 1])
        return [(after - first) * present for first, after in itertools.pairwise(below)]

    mine = listed(*now)
    was = listed(before[0], before[1]) if before[0] else [None] * len(names)
    bars = [Bar(*bar) for bar in zip(names.values(), mine, was, strict=True)]
    return Distribution(bars=(*bars, *_missing(now[1], before[1])), spread=now[0])


def _missing(is_: Column | None, was: Column | None) -> list[Bar]:
    now = is_.missing / is_.count if is_ and is_.count else 0.0
    then = was.missing / was.count if was and was.count else None
    return [Bar(MISSING, now, then, rest=True)] if now or then else []


def _texts(is_: Column | None, was: Column | None, sample: pa.ChunkedArray, is_whole: bool) -> Distribution:
    if is_ is None or is_.kind != "Text" or not is_.count:
        return _sampled(was, sample, is_whole)
    if is_.count == is_.missing:
        return Distribution(note=NOTHING)
    items = is_.frequent_items()
    # A count that may be half of what it seems says nothing.
    sure = [item for item in items if item.count.lower * 2 >= item.count.upper]
    if not sure or (len(sure) > MOST_BARS and sure[0].count.value <= 1):
        most = max(item.count.upper for item in items) if items else 0
        note = f"No value stands out: none comes in more than {percent(most / is_.count)} of the rows."
        return Distribution(note=f"{note} {_examples(sample)}")
    drawn = sure[:MOST_BARS]
    error = max(item.count.upper - item.count.lower for item in drawn)
    note = f"Counts may be {count(error)} too high, of {count(is_.count)} rows." if error else ""
    shares = [(item.text, item.count.value / is_.count) for item in drawn]
    return Distribution(bars=_bars(shares, len(items) > MOST_BARS, is_.missing / is_.count, was), note=note)


def _sampled(was: Column | None, sample: pa.ChunkedArray, is_whole: bool) -> Distribution:
    """Returns the distribution of texts by the sample."""
    codes, words = values.texts(sample)
    if not words:
        return Distribution(note=NOTHING if is_whole else "The sample has no value of it.")
    sizes = np.bincount(codes[codes >= 0])
    order = sorted(range(len(words)), key=lambda code: (-int(sizes[code]), words[code]))
    if sizes[order[0]] <= 1 and len(words) > MOST_BARS:
        where = "" if is_whole else " in the sample"
        return Distribution(note=f"No value comes twice{where}. {_examples(sample)}")
    shares = [(_key(words[code]), float(sizes[code]) / len(codes)) for code in order[:MOST_BARS]]
    missing = float((codes < 0).sum()) / len(codes)
    note = "" if is_whole else "Counted in the sample."
    return Distribution(bars=_bars(shares, len(words) > MOST_BARS, missing, was), note=note)


def _bars(shares: list[tuple[str, float]], has_others: bool, missing: float, was: Column | None) -> tuple[Bar, ...]:
    """Returns the bars of texts with their shares, of the others, and of what is missing."""
    if was is not None and not was.count:
        was = None
    counts = {item.text: item.count.value / was.count for item in was.frequent_items()} if was else {}
    lacked = was.missing / was.count if was else None
    bars = [Bar(text, share, counts.get(text, 0.0) if was else None) for text, share in shares]
    before = None if lacked is None else max(0.0, 1 - lacked - sum(bar.was or 0.0 for bar in bars))
    if has_others or (before or 0.0) > LEFT:
        left = max(0.0, 1 - missing - sum(bar.share for bar in bars)) if has_others else 0.0
        bars.append(Bar(OTHERS, left, before, rest=True))
    if missing or lacked:
        bars.append(Bar(MISSING, missing, lacked, rest=True))
    return tuple(bars)


def _key(word: str) -> str:
    return word if len(word) <= MAX_TEXT else cut(word)


def _examples(sample: pa.ChunkedArray) -> str:
    words = values.texts(sample).words[:3]
    return f"For example {', '.join(f'“{plain(word, 40)}”' for word in words)}." if words else ""


def _whole(numbers: NDArray[np.float64]) -> tuple[NDArray[np.int64], Sequence[str]]:
    present = np.unique(numbers[np.isfinite(numbers)])
    codes = np.searchsorted(present, numbers)
    return np.where(np.isfinite(numbers), codes, -1), [f"{int(value)}" for value in present]
