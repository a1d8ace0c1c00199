"""What a column tells of the target, as it is drawn: beneath its histogram, or beside its bars."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from modelyard_runtime.tables.report import relation, values
from modelyard_runtime.tables.report.distribution import Distribution
from modelyard_runtime.tables.report.target import Target

FEWEST = 5
"""Fewest rows of a group of which something is told."""
MEANS = 15
"""Most means beneath a histogram, about."""


class Ridge(NamedTuple):
    """The shares of one class' rows in each bin of the histogram."""

    label: str
    rows: int
    shares: list[float]


class Mean(NamedTuple):
    """The mean of the target from bin ``start`` to ``end``, or beside one bar; ``reach`` is two standard errors."""

    start: int
    end: int
    value: float
    reach: float
    rows: int


class Mix(NamedTuple):
    """The shares of the classes among the rows of one bar."""

    shares: list[float]
    rows: int


class Related(NamedTuple):
    """``strength`` is the measure of ``relation``; None if it can't be told. One of the lists has what is drawn."""

    strength: float | None = None
    ridges: tuple[Ridge, ...] = ()
    means: tuple[Mean, ...] = ()
    mixes: tuple[Mix | None, ...] = ()
    bar_means: tuple[Mean | None, ...] = ()


def related(target: Target, drawn: Distribution, column: pa.ChunkedArray) -> Related:
    """Returns what the column tells of the target in the sample."""
    is_text = not values.is_number(column)
    groups = drawn.groups(column, is_text)[target.rows]
    strength = _strength(target, column, is_text)
    if target.classes is not None:
        if drawn.histogram:
            return Related(strength, ridges=_ridges(target, groups, drawn.histogram.axis.bins))
        return Related(strength, mixes=tuple(_mix(target, groups == index) for index in range(len(drawn.bars))))
    assert target.numbers is not None
    if drawn.histogram:
        return Related(strength, means=_means(target.numbers, groups, drawn.histogram.axis.bins))
    found = [_mean(target.numbers[groups == index], index, index + 1) for index in range(len(drawn.bars))]
    return Related(strength, bar_means=tuple(found))


def _strength(target: Target, column: pa.ChunkedArray, is_text: bool) -> float | None:
    if is_text:
        groups = values.ranked(values.texts(column).codes[target.rows], relation.MOST_TEXTS)
    else:
        numbers = values.numbers(column)[target.rows]
        groups = relation.by_deciles(np.where(np.isfinite(numbers), numbers, np.nan))
    if target.classes is not None:
        return relation.of_classes(groups, target.classes)
    assert target.numbers is not None
    return relation.of_numbers(groups, target.numbers)


def _ridges(target: Target, groups: NDArray[np.int64], bins: int) -> tuple[Ridge, ...]:
    ridges = []
    for index, label in enumerate(target.labels):
        mine = groups[(target.drawn == index) & (groups >= 0)]
        counts = np.bincount(mine, minlength=bins) / max(len(mine), 1)
        ridges.append(Ridge(label, len(mine), [float(share) for share in counts]))
    return tuple(ridges)


def _means(numbers: NDArray[np.float64], groups: NDArray[np.int64], bins: int) -> tuple[Mean, ...]:
    width = max(1, round(bins / MEANS))
    found = []
    for start in range(0, bins, width):
        end = min(start + width, bins)
        found.append(_mean(numbers[(groups >= start) & (groups < end)], start, end))
    return tuple(mean for mean in found if mean)


def _mean(numbers: NDArray[np.float64], start: int, end: int) -> Mean | None:
    if len(numbers) < FEWEST:
        return None
    reach = 2 * float(numbers.std(ddof=1)) / float(np.sqrt(len(numbers)))
    return Mean(start, end, float(numbers.mean()), reach, len(numbers))


def _mix(target: Target, mask: NDArray[np.bool_]) -> Mix | None:
    mine = target.drawn[mask]
    if len(mine) < FEWEST:
        return None
    counts = np.bincount(mine, minlength=len(target.labels)) / len(mine)
    return Mix([float(share) for share in counts], len(mine))
