"""How far apart two columns are distributed, by their sketches: for rollouts, monitors, and a Dataset's versions.

The distance of two distributions, from 0 to 1, is the greatest difference of the shares that they give to a set. For
texts it is any set of texts (total variation), for numbers the numbers up to any value (Kolmogorov-Smirnov). Missing
values count as a text of their own, and as less than all numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lgamma, log
from typing import TYPE_CHECKING

from modelyard_api.wire.bounds import radius

if TYPE_CHECKING:
    # An operator without a rollout need not load the sketches' library.
    from modelyard_api.wire.sketches import Column, Item, Sketches

BRACKETS = 256
"""Number of quantiles of each sample of numbers at which two samples are compared and their deviation is bounded."""
SKETCH_ERRORS = 2.0
"""Bound of a rank's error, as a multiple of the sketch's error at 99 % confidence: five standard deviations."""


@dataclass(frozen=True)
class Distance:
    """The distance of two columns.

    ``value`` is the estimate. The true distance is above ``proven``, except with probability alpha over all looks; a
    negative one says how much is missing to prove that there is any distance. ``where`` names the set with the greatest
    difference and its shares, unless they must not be published.
    """

    value: float
    proven: float
    where: str


def in_common(role: str, first: Sketches, second: Sketches) -> list[tuple[Column, Column]]:
    """Returns the pairs of columns of ``role`` that both have, of the same kind and with values."""
    others = {column.name: column for column in second.columns if column.role == role and column.count}
    return [
        (column, others[column.name])
        for column in first.columns
        if column.role == role and column.count and column.name in others and column.kind == others[column.name].kind
    ]


def distance(first: Column, second: Column, alpha: float) -> Distance:
    """Returns the distance of two columns of the same kind, each with values."""
    return (_texts if first.kind == "Text" else _numbers)(first, second, alpha)


def _texts(first: Column, second: Column, alpha: float) -> Distance:
    """Returns the total variation distance of two columns of texts.

    There are K over m sets of m of the K texts. For each m, the set with the m greatest differences is tried, in both
    directions, and each m gets the same part of ``alpha``. K counts the texts that occurred: others are in none of
    these sets. Beyond 384 different texts a sketch counts with an error, which it states and the proof includes. Long
    texts are cut in the sketch, but end in a hash of the whole, so that different texts stay different.
    """
    first_counts, second_counts = _counts(first), _counts(second)
    texts = first_counts.keys() | second_counts.keys()
    missed = [
        max((item.count.upper - item.count.lower for item in counts.values()), default=0)
        for counts in (first_counts, second_counts)
    ]
    value = 0.0
    above: list[tuple[float, str]] = []
    below: list[tuple[float, str]] = []
    for text in texts:
        mine = _interval(first_counts.get(text), missed[0], first.count)
        others = _interval(second_counts.get(text), missed[1], second.count)
        value += abs(mine[0] - others[0]) / 2
        above.append((mine[1] - others[2], text))
        below.append((others[1] - mine[2], text))
    proven = -1.0
    for differences in (above, below):
        total = 0.0
        differences.sort(reverse=True)
        for size, (difference, _) in enumerate(differences, 1):
            if difference <= 0 and size > 1:
                break
            total += difference
            log_sets = _log_choose(len(texts), size) + log(2 * len(texts))
            proven = max(proven, total - radius(first.count, second.count, log_sets, alpha))
    text = max(above[0], below[0])[1]
    counted = ((first_counts, first), (second_counts, second))
    shares = [_interval(counts.get(text), 0, column.count)[0] for counts, column in counted]
    # An input's texts are the clients' data, which must not appear in a status.
    where = f"{text[:32]!r} is {shares[0]:.3g} of it, was {shares[1]:.3g}" if first.role == "Output" else ""
    return Distance(min(value, 1.0), proven, where)


def _counts(column: Column) -> dict[str, Item]:
    """Returns the counts of a column by text. The empty text stands for missing values."""
    from modelyard_api.wire.sketches import Estimate, Item

    counts = {item.text: item for item in column.frequent_items()}
    if column.missing:
        counts[""] = Item("", Estimate(column.missing, column.missing, column.missing))
    return counts


def _interval(item: Item | None, missed: float, rows: int) -> tuple[float, float, float]:
    """Returns a text's share and its lower and upper bound. One the sketch lacks may have come ``missed`` times."""
    if item is None:
        return 0.0, 0.0, missed / rows
    return item.count.value / rows, item.count.lower / rows, item.count.upper / rows


def _numbers(first: Column, second: Column, alpha: float) -> Distance:
    """Returns the Kolmogorov-Smirnov distance of two columns of numbers.

    The bound is by bracketing (van der Vaart, Wellner 1996, theorem 2.4.1), because the one of Dvoretzky, Kiefer and
    Wolfowitz is for one look at one sample. Between two neighbours of the B-quantiles of both true distributions lies
    at most 1 / B of either. So the greatest deviation anywhere is at most 2 / B above the greatest of 4 B pairs of such
    neighbours, which ``radius`` bounds. The errors of the two quantile sketches are added.
    """
    first_cdf, second_cdf = _cdf(first), _cdf(second)
    points = sorted({*_points(first), *_points(second)})
    at, shares = float("-inf"), (first.missing / first.count, second.missing / second.count)
    value = abs(shares[0] - shares[1])
    if points:
        for point, mine, others in zip(points, first_cdf(points), second_cdf(points), strict=True):
            if abs(mine - others) > value:
                value, at, shares = abs(mine - others), point, (mine, others)
    allowed = radius(first.count, second.count, log(4 * BRACKETS), alpha) + 2 / BRACKETS
    allowed += SKETCH_ERRORS * sum(column.rank_error() for column in (first, second) if column.count > column.missing)
    values = "missing" if at == float("-inf") else f"at most {at:.4g}"
    return Distance(value, value - allowed, f"{values}: {shares[0]:.3g} of it, was {shares[1]:.3g}")


def _points(column: Column) -> list[float]:
    """Returns the ``BRACKETS`` + 1 quantiles of a column, none if it has only missing values."""
    if column.count == column.missing:
        return []
    return column.quantile_of([rank / BRACKETS for rank in range(BRACKETS + 1)])


def _cdf(column: Column) -> Callable[[Sequence[float]], list[float]]:
    """Returns the column's distribution function of a list of points, with missing values below all numbers."""
    missing = column.missing / column.count

    def of(points: Sequence[float]) -> list[float]:
        if missing == 1:
            return [1.0] * len(points)
        return [missing + (1 - missing) * share for share in column.cdf(list(points))]

    return of


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
