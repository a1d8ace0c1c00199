"""Computes the incomplete beta function in logarithms, because the tails that tests need underflow a float."""

from __future__ import annotations

from math import exp, inf, lgamma, log, log1p

_PRECISION = 1e-12
_TINY = 1e-300
_MAX_TERMS = 100_000


def log_beta(a: float, b: float) -> float:
    """Returns log B(a, b)."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def log_above(x: float, a: float, b: float) -> float:
    """Returns log P(X > x) for X ~ Beta(a, b) and x in [0, 1]."""
    return _log_below(1 - x, b, a)


def _log_below(x: float, a: float, b: float) -> float:
    """Returns log I_x(a, b), by the continued fraction on the side of the mean where it converges (DLMF 8.17.22)."""
    if x <= 0:
        return -inf
    if x >= 1:
        return 0.0
    if x > (a + 1) / (a + b + 2):
        return log1p(-min(exp(_log_below(1 - x, b, a)), 1 - 1e-16))
    return a * log(x) + b * log1p(-x) - log(a) - log_beta(a, b) + log(_fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """Returns 1 / (1 + d1 / (1 + d2 / (1 + ...))), by the modified method of Lentz (Thompson, Barnett 1986).

    It takes about sqrt(max(a, b)) terms.
    """
    c, d = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _nonzero(1 + term * d)
            c = _nonzero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _nonzero(value: float) -> float:
    """Replaces values near 0, which the method of Lentz must not divide by."""
    return value if abs(value) > _TINY else _TINY
