"""Axes of numbers and of times: round edges of bins, and labels that stand at equal distances from end to end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from modelyard_runtime.tables.report.text import LONG, grouped

BINS = 30
"""How many bins a plot has, about."""
CROWDED = 30
"""Most characters of labels for which a phone has room."""
MOST_TIMES = 40
"""Most bins of a plot over time."""


class Axis(NamedTuple):
    """``edges`` of the bins rise; ``ticks`` are labels from the first to the last edge, at equal distances of bins."""

    edges: Sequence[float]
    ticks: Sequence[str]
    note: str = ""

    @property
    def is_crowded(self) -> bool:
        """Whether a phone has no room for all ticks."""
        return len(self.ticks) * max(len(tick) for tick in self.ticks) > CROWDED

    @property
    def bins(self) -> int:
        return len(self.edges) - 1


def of_numbers(low: float, high: float, whole: bool) -> Axis:
    """Returns an axis that holds all from ``low`` to ``high``. Bins of whole numbers begin with a whole number.

    The distance of ticks is 1, 2 or 5 times a power of ten (Heckbert 1990, "Nice numbers for graph labels").
    """
    if low == high:
        low, high = (low - 1, high + 1) if whole else (low - abs(low) / 10 - 1e-6, high + abs(high) / 10 + 1e-6)
    exponent = math.floor(math.log10((high - low) / 4))
    mantissa = next(m for m in (1, 2, 5, 10) if m * 10.0**exponent >= (high - low) / 4 * 0.999)
    if mantissa == 10:
        mantissa, exponent = 1, exponent + 1
    if whole and exponent < 0:
        mantissa, exponent = 1, 0
    step = mantissa * 10.0**exponent
    start = math.floor(low / step)
    # A bin doesn't hold its right edge, but for the last: that of whole numbers shall be as wide as the others.
    end = math.floor(high / step) + 1 if whole else math.ceil(high / step)
    intervals = max(end - start, 1)
    splits = [n for n in (1, 2, 4, 5, 8, 10) if not whole or step / n == int(step / n)]
    split = min(splits, key=lambda n: abs(intervals * n - BINS))
    edges = [_rounded((start + i / split) * step) for i in range(intervals * split + 1)]
    return Axis(edges, [_label((start + i) * step, exponent) for i in range(intervals + 1)])


def of_powers(low: float, high: float) -> Axis:
    """Returns a logarithmic axis that holds all from ``low``, which is above 0, to ``high``."""
    start, end = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    step = max(1, math.ceil((end - start) / 6))
    intervals = max(1, math.ceil((end - start) / step))
    split = max(1, round(BINS / intervals))
    edges = [10.0 ** (start + i * step / split) for i in range(intervals * split + 1)]
    return Axis(edges, [_power(start + i * step) for i in range(intervals + 1)], "logarithmic")


def _power(exponent: int) -> str:
    return grouped(10.0**exponent, max(0, -exponent)) if -4 <= exponent <= 6 else f"1e{exponent}"


def _rounded(value: float) -> float:
    return float(f"{value:.15g}")


def _label(value: float, exponent: int) -> str:
    if value == 0:
        return "0"
    if abs(value) >= LONG or exponent < -4:
        text = f"{value:.{max(0, math.floor(math.log10(abs(value))) - exponent)}e}"
        digits, _, power = text.partition("e")
        return f"{digits}e{int(power)}"
    return grouped(value, max(0, -exponent))


_STEPS = (
    *(("s", n) for n in (1, 5, 15, 30)),
    *(("m", n) for n in (1, 5, 15, 30)),
    *(("h", n) for n in (1, 3, 6, 12)),
    *(("D", n) for n in (1, 2, 7)),
    *(("M", n) for n in (1, 3, 6)),
    *(("Y", n) for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
)
_FORMATS = {"s": 19, "m": 16, "h": 16, "D": 10, "M": 7, "Y": 4}
_MONDAY = 4
"""Days from 1970-01-01, a Thursday, to a Monday."""


def of_times(low: float, high: float) -> Axis:
    """Returns an axis from ``low`` to ``high`` [seconds since 1970 UTC], whose bins are calendar units of UTC."""
    first, last = np.datetime64(math.floor(low), "s"), np.datetime64(math.floor(high), "s")
    for unit, step in _STEPS:
        offset = _MONDAY if (unit, step) == ("D", 7) else 0
        begin = (first.astype(f"datetime64[{unit}]").astype(int) - offset) // step * step + offset
        end = last.astype(f"datetime64[{unit}]").astype(int)
        bins = (int(end) - int(begin)) // step + 1
        if bins <= MOST_TIMES:
            break
    every = max(1, math.ceil(bins / 4))
    bins = math.ceil(bins / every) * every
    edges = np.array([begin + i * step for i in range(bins + 1)]).astype(f"datetime64[{unit}]")
    labels = [str(edge.astype("datetime64[s]"))[: _FORMATS[unit]].replace("T", " ") for edge in edges[::every]]
    return Axis(edges.astype("datetime64[s]").astype(float).tolist(), labels, "UTC")


def time_text(value: float) -> str:
    """Returns a time [seconds since 1970 UTC] as people write it, without what is zero at its end."""
    text = str(np.datetime64(math.floor(value), "s")).replace("T", " ")
    return text.removesuffix(" 00:00:00").removesuffix(":00")
