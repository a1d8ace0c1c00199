"""What a column tells of the target, in a sample of rows: how much, and from what to what.

How much is the share of the target's uncertainty that goes away once the column's value is known, from 0 to 1. For
classes it is Theil's uncertainty coefficient, the mutual information by the target's entropy (Theil 1970, "On the
estimation of relationships involving qualitative variables"), with the correction of Miller and Madow (1955) for few
rows. For numbers it is the correlation ratio, the share of the variance between groups (Pearson 1905), corrected by
epsilon squared (Kelley 1935, "An unbiased correlation ratio measure"). Numbers are cut at their deciles, and of texts
the most frequent are groups of their own. What is missing is a group too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DECILES = [rank / 10 for rank in range(1, 10)]
MOST_TEXTS = 30
"""Most groups of texts; the others are one group more."""


def by_deciles(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the group of each value; NaN is a group of its own."""
    present = values[~np.isnan(values)]
    cuts = np.unique(np.quantile(present, DECILES)) if len(present) else np.array([])
    groups = np.searchsorted(cuts, values, side="left")
    return np.where(np.isnan(values), len(cuts) + 1, groups)


def of_classes(groups: NDArray[np.int64], classes: NDArray[np.int64]) -> float | None:
    """Returns the uncertainty coefficient; None if there is one class alone."""
    table = np.zeros((int(groups.max()) + 1, int(classes.max()) + 1))
    np.add.at(table, (groups, classes), 1)
    rows, (first, second) = table.sum(), (table.sum(axis=1), table.sum(axis=0))
    entropy = _entropy(second / rows)
    if entropy <= 0:
        return None
    known = _entropy(first / rows) + entropy - _entropy(table.ravel() / rows)
    chance = (np.count_nonzero(first) - 1) * (np.count_nonzero(second) - 1) / (2 * rows)
    return _within((known - chance) / entropy)


def of_numbers(groups: NDArray[np.int64], target: NDArray[np.float64]) -> float | None:
    """Returns the corrected correlation ratio; None if all numbers are equal, or no row is left to tell it from."""
    sizes = np.bincount(groups)
    used = int(np.count_nonzero(sizes))
    centred = target - target.mean()
    whole = float(centred @ centred)
    if whole <= 0 or len(target) <= used:
        return None
    sums = np.bincount(groups, weights=centred)
    between = float((sums[sizes > 0] ** 2 / sizes[sizes > 0]).sum())
    return _within(1 - (1 - between / whole) * (len(target) - 1) / (len(target) - used))


def _entropy(shares: NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())


def _within(value: float) -> float:
    return min(1.0, max(0.0, float(value)))
