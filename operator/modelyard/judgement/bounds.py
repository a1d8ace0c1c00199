"""How far the difference of two samples' shares may be from the true one, at every look at once."""

from __future__ import annotations

from math import exp, log, log1p, sqrt

_TUNED = 4.0
"""Chosen in advance so that the bound is tightest at samples of a few hundred to a few thousand."""


def radius(first: int, second: int, log_sets: float, alpha: float) -> float:
    """The difference of the shares of two samples that lie in a set is less than this above the true difference, at
    all looks and for all of exp(``log_sets``) sets, but with probability ``alpha``.

    The one-sided normal mixture of Robbins (1970; Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic
    confidence sequences", section 3). The sum S of n deviations of variables in an interval of length 1 has
    E exp(b S - b^2 V / 2) <= 1 with V = n / 4 (Hoeffding 1963); mixed over b > 0 by half a normal distribution of
    variance 1 / rho that is a supermartingale, 2 sqrt(rho / (V + rho)) exp(z^2 / 2) Phi(z) with z = S / sqrt(V + rho),
    which by Phi(z) >= 1 - exp(-z^2 / 2) / 2 stays below 1 / alpha while
    z^2 < 2 log((1 + sqrt((V + rho) / rho) / alpha) / 2).

    Here S is summed over the first sample, less c times the sum over the second, with c the proportion of their sizes,
    which stays what it is within a step; that is as if one sample of 1 / (1 / first + 1 / second) deviated. Rows are
    taken as independent.
    """
    if not first or not second:
        return 1.0
    size = 1 / (1 / first + 1 / second)
    spread = size / 4 + _TUNED
    most = log(spread / _TUNED) / 2 + log_sets + log(1 / alpha)
    return sqrt(2 * spread * (most + log1p(exp(-most)) - log(2))) / size
