"""PredictionShift and InputShift: how far apart what two versions answered, or were asked, is distributed.

The distance of two distributions, from 0 to 1, is the greatest difference of the shares that they give to a set: to
any set of texts (total variation), to the numbers up to any one (Kolmogorov-Smirnov). Missing values are a text of
their own, and less than all numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lgamma, log
from typing import TYPE_CHECKING

from modelyard.judgement.bounds import radius
from modelyard.judgement.finding import Finding, verdict

if TYPE_CHECKING:
    # What reads sketches needs their library, which an operator without a rollout need not load.
    from modelyard_api.wire.sketches import Column, Item, Sketches

BRACKETS = 256
"""Two samples of numbers are compared at so many quantiles of each, and their deviation is bounded at as many."""
SKETCH_ERRORS = 2.0
"""A rank is off by less than this many times what holds with 99 % confidence: that is five standard deviations."""


@dataclass(frozen=True)
class Distance:
    """``value`` is the estimate; the true distance is above ``proven`` but with probability alpha over all looks.
    ``where`` names the set and its shares, as far as it may be told."""

    value: float
    proven: float
    where: str


def shift(role: str, limit: float, candidate: Sketches, stable: Sketches, alpha: float) -> Finding:
    """Failed: some column of ``role`` that both versions have is more than ``limit`` apart. ``alpha`` is shared by
    the columns."""
    others = {column.name: column for column in stable.columns if column.role == role and column.count}
    pairs = [
        (column, others[column.name])
        for column in candidate.columns
        if column.role == role and column.count and column.name in others and column.kind == others[column.name].kind
    ]
    if not pairs:
        return Finding("Inconclusive", f"the two versions' servers observed no {role.lower()} in common")
    found = [(mine, other, distance(mine, other, alpha / len(pairs))) for mine, other in pairs]
    proven = max(found, key=lambda item: item[2].proven)[2].proven > limit
    mine, other, most = max(found, key=lambda item: item[2].proven if proven else item[2].value)
    where = f"; {most.where}" if most.where else ""
    message = (
        f"{mine.name[:64]} is {most.value:.3g} apart ({mine.count} rows, stable: {other.count}), max {limit:g}{where}"
    )
    return Finding(verdict(within=most.value <= limit, proven=proven), message)


def distance(first: Column, second: Column, alpha: float) -> Distance:
    """Of two columns of the same kind, each with values."""
    return (_texts if first.kind == "Text" else _numbers)(first, second, alpha)


def _texts(first: Column, second: Column, alpha: float) -> Distance:
    """A set of m of K texts is one of K over m. The sets with the m greatest differences are tried for each m, in both
    directions, and each m gets the same part of ``alpha``. K counts the texts that came: one that didn't is in none
    of these sets. A sketch counts beyond 384 different texts with an error, which it states, and the proof takes on.
    Long texts are cut in it, but end in a hash of the whole, so that different ones stay so."""
    one, other = _counts(first), _counts(second)
    texts = one.keys() | other.keys()
    missed = [
        max((item.count.upper - item.count.lower for item in found.values()), default=0) for found in (one, other)
    ]
    value = 0.0
    above: list[tuple[float, str]] = []
    below: list[tuple[float, str]] = []
    for text in texts:
        mine = _interval(one.get(text), missed[0], first.count)
        others = _interval(other.get(text), missed[1], second.count)
        value += abs(mine[0] - others[0]) / 2
        above.append((mine[1] - others[2], text))
        below.append((others[1] - mine[2], text))
    proven = 0.0
    for differences in (above, below):
        total = 0.0
        differences.sort(reverse=True)
        for size, (difference, _) in enumerate(differences, 1):
            if difference <= 0:
                break
            total += difference
            log_sets = _log_choose(len(texts), size) + log(2 * len(texts))
            proven = max(proven, total - radius(first.count, second.count, log_sets, alpha))
    text = max(above[0], below[0])[1]
    shares = [_interval(found.get(text), 0, column.count)[0] for found, column in ((one, first), (other, second))]
    # An input's texts are the clients' data: they have no place in a status.
    where = f"{text[:32]!r} is {shares[0]:.3g} of it, was {shares[1]:.3g}" if first.role == "Output" else ""
    return Distance(min(value, 1.0), proven, where)


def _counts(column: Column) -> dict[str, Item]:
    from modelyard_api.wire.sketches import Estimate, Item

    found = {item.text: item for item in column.frequent_items()}
    if column.missing:
        found[""] = Item("", Estimate(column.missing, column.missing, column.missing))
    return found


def _interval(item: Item | None, missed: float, rows: int) -> tuple[float, float, float]:
    """The share of a text, and its bounds; one that the sketch does not have may have come ``missed`` times."""
    if item is None:
        return 0.0, 0.0, missed / rows
    return item.count.value / rows, item.count.lower / rows, item.count.upper / rows


def _numbers(first: Column, second: Column, alpha: float) -> Distance:
    """Bracketing (van der Vaart, Wellner 1996, theorem 2.4.1; the bound of Dvoretzky, Kiefer and Wolfowitz is for one
    look at one sample): between two neighbours of the B-quantiles of both true distributions lies at most 1 / B of
    either, so that the greatest deviation anywhere is at most 2 / B above the greatest of 4 B pairs of such neighbours,
    which ``radius`` bounds. To that comes what the two sketches of quantiles may be off."""
    one, other = _cdf(first), _cdf(second)
    points = sorted({*_points(first), *_points(second)})
    at, shares = float("-inf"), (first.missing / first.count, second.missing / second.count)
    value = abs(shares[0] - shares[1])
    if points:
        for point, mine, others in zip(points, one(points), other(points), strict=True):
            if abs(mine - others) > value:
                value, at, shares = abs(mine - others), point, (mine, others)
    allowed = radius(first.count, second.count, log(4 * BRACKETS), alpha) + 2 / BRACKETS
    allowed += SKETCH_ERRORS * sum(column.rank_error() for column in (first, second) if column.count > column.missing)
    what = "missing" if at == float("-inf") else f"at most {at:.4g}"
    return Distance(value, value - allowed, f"{what}: {shares[0]:.3g} of it, was {shares[1]:.3g}")


def _points(column: Column) -> list[float]:
    if column.count == column.missing:
        return []
    return column.quantile_of([rank / BRACKETS for rank in range(BRACKETS + 1)])


def _cdf(column: Column) -> Callable[[Sequence[float]], list[float]]:
    missing = column.missing / column.count

    def of(points: Sequence[float]) -> list[float]:
        if missing == 1:
            return [1.0] * len(points)
        return [missing + (1 - missing) * share for share in column.cdf(list(points))]

    return of


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
