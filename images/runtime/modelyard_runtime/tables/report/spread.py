"""How the numbers of a column are spread: by their sketch, which has seen all rows, or by a sample."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from modelyard_api.wire.sketches import Column
from modelyard_models.instants import EPOCH
from modelyard_runtime.tables.report import axis
from modelyard_runtime.tables.report.axis import Axis

TAILS = 2.5
"""Numbers that reach so many times beyond what 98 % of them span are drawn without their tails."""
SKEW = 10.0
"""Numbers above 0 of which the upper half spans so many times the lower one are drawn on a logarithmic axis."""
DAY = 86400
FINE = 100
"""Numbers span at least so many steps of single precision, or a sketch, which holds it, can't tell them apart."""


class Spread(Protocol):
    """Numbers, at least one. Shares are of those that are not missing."""

    def extremes(self) -> tuple[float, float]: ...
    def quantiles(self, ranks: Sequence[float]) -> list[float]: ...
    def below(self, values: Sequence[float]) -> list[float]:
        """Returns for each of ``values``, which rise, the share of numbers that are less."""
        ...


class Sampled:
    def __init__(self, values: NDArray[np.float64]) -> None:
        self._values = np.sort(values)

    def extremes(self) -> tuple[float, float]:
        return float(self._values[0]), float(self._values[-1])

    def quantiles(self, ranks: Sequence[float]) -> list[float]:
        return [float(value) for value in np.quantile(self._values, ranks)]

    def below(self, values: Sequence[float]) -> list[float]:
        return [float(share) for share in np.searchsorted(self._values, values) / len(self._values)]


class Sketched:
    """The numbers of a sketch; ``is_time`` means that it has days since EPOCH, of which these are the seconds since
    1970, as exact as single precision has them."""

    def __init__(self, column: Column, is_time: bool) -> None:
        self._column = column
        self._unit, self._zero = (DAY, float(EPOCH.astype("datetime64[s]").astype(int))) if is_time else (1, 0.0)

    def extremes(self) -> tuple[float, float]:
        low, high = self._column.extremes()
        return low * self._unit + self._zero, high * self._unit + self._zero

    def quantiles(self, ranks: Sequence[float]) -> list[float]:
        return [value * self._unit + self._zero for value in self._column.quantile_of(list(ranks))]

    def below(self, values: Sequence[float]) -> list[float]:
        ends = np.finfo(np.float32)
        own = (np.asarray(values, np.float64) - self._zero) / self._unit
        single = np.clip(own, ends.min, ends.max).astype(np.float32)
        points, place = np.unique(np.nextafter(single, np.float32("-inf")), return_inverse=True)
        shares = self._column.cdf([float(point) for point in points])
        return [shares[index] for index in place]


class Shares(NamedTuple):
    """The shares of numbers in each bin, and of those that are on neither side of the axis."""

    bins: list[float]
    below: float
    above: float


def spread_of(column: Column | None, values: NDArray[np.float64], is_time: bool = False) -> Spread | None:
    """Returns the spread of a column by its sketch, else by the sample's ``values``; None if there are no numbers.
    ``is_time`` means that the values are times."""
    if column is not None and column.kind == "Number" and column.count > column.missing:
        low, high = column.extremes()
        step = float(np.spacing(np.float32(max(abs(low), abs(high)))))
        is_constant = low == high and (not len(values) or values.min() == values.max())
        if not len(values) or is_constant or high - low >= FINE * step:
            return Sketched(column, is_time)
    return Sampled(values) if len(values) else None


def axis_of(spreads: Sequence[Spread], whole: bool, is_time: bool) -> Axis:
    """Returns the axis on which all of these spreads are drawn."""
    if not is_time and all(_is_skewed(spread) for spread in spreads):
        ends = [end for spread in spreads for end in spread.extremes()]
        return axis.of_powers(min(ends), max(ends))
    spans = [_span(spread) for spread in spreads]
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    return axis.of_times(low, high) if is_time else axis.of_numbers(low, high, whole)


def shares(spread: Spread, on: Axis) -> Shares:
    """Returns the shares in the bins of an axis. A bin holds its left edge; the last one holds both."""
    with np.errstate(over="ignore"):  # an axis may end beyond the greatest number
        last = float(np.nextafter(np.float32(on.edges[-1]), np.float32("inf")))
    below = spread.below([*on.edges[:-1], last])
    return Shares([after - before for before, after in itertools.pairwise(below)], below[0], 1 - below[-1])


def _span(spread: Spread) -> tuple[float, float]:
    """Returns from where to where the numbers are drawn: without tails that would leave no room for the others."""
    low, high = spread.extremes()
    first, last = spread.quantiles([0.01, 0.99])
    return (first, last) if 0 < (last - first) * TAILS < high - low else (low, high)


def _is_skewed(spread: Spread) -> bool:
    first, middle, last = spread.quantiles([0.01, 0.5, 0.99])
    return spread.extremes()[0] > 0 and last - middle > SKEW * (middle - first)
