"""Bounds how far the difference of two samples' shares may be from the true one, at all looks simultaneously."""

from __future__ import annotations

from math import exp, log, log1p, sqrt

_RHO = 4.0
"""rho of the mixture, chosen in advance to make the bound tightest for samples of a few hundred to a few thousand."""


def radius(first: int, second: int, log_sets: float, alpha: float) -> float:
    """Returns a bound on how much the difference of two samples' shares in a set exceeds the true difference.

    It holds at all looks and for all of exp(``log_sets``) sets together, except with probability ``alpha``.

    It is the one-sided normal mixture of Robbins (1970; Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic
    confidence sequences", section 3). The sum S of n deviations of variables in an interval of length 1 has
    E exp(b S - b^2 V / 2) <= 1 with V = n / 4 (Hoeffding 1963); mixed over b > 0 by half a normal distribution of
    variance 1 / rho it is a supermartingale, 2 sqrt(rho / (V + rho)) exp(z^2 / 2) Phi(z) with z = S / sqrt(V + rho).
    By Phi(z) >= 1 - exp(-z^2 / 2) / 2 it stays below 1 / alpha while
    z^2 < 2 log((1 + sqrt((V + rho) / rho) / alpha) / 2).

    Here S is the sum over the first sample minus c times the sum over the second, where c is the ratio of their sizes,
    which is constant within a step. That equals the deviation of one sample of size 1 / (1 / first + 1 / second). Rows
    are assumed to be independent.
    """
    if not first or not second:
        return 1.0
    size = 1 / (1 / first + 1 / second)
    spread = size / 4 + _RHO
    exponent = log(spread / _RHO) / 2 + log_sets + log(1 / alpha)
    return sqrt(2 * spread * (exponent + log1p(exp(-exponent)) - log(2))) / size
