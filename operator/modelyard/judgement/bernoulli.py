"""The test that may be looked at as often as one likes: is a share of trials above a limit?"""

from __future__ import annotations

from math import exp, inf, log, log1p

from modelyard.judgement.beta import log_above, log_beta


def log_evidence(successes: int, trials: int, limit: float) -> float:
    """log of the evidence that a trial succeeds with a probability above ``limit``; inf when that is certain.

    While the probability is at most ``limit``, whatever it is, the chance that the evidence ever exceeds 1 / alpha, in
    however many looks at growing data, is at most alpha (Ville 1939). It is the likelihood of the data, mixed over
    probabilities p > limit by a prior, over their likelihood at ``limit`` (Robbins 1970, "Statistical methods related
    to the law of the iterated logarithm"; the beta-binomial mixture, cut off below limit): for each p > limit that
    ratio is a supermartingale, since its factor of a success is above 1, and their mean is at most 1 at limit, hence
    below it too. A mixture of such is one.

    The prior is mostly a beta of mean about 2 * limit, as a limit of a few percent is exceeded two- or threefold; a
    fifth is uniform, which soon finds a candidate that fails nearly always.
    """
    if limit >= 1 or not trials:
        return 0.0
    if limit <= 0:
        return inf if successes else 0.0
    at_limit = successes * log(limit) + (trials - successes) * log1p(-limit)
    priors = ((0.8, max(1.0, 1 / limit)), (0.2, 1.0))
    found = [log(weight) + _log_likelihood(successes, trials, limit, b) for weight, b in priors]
    most = max(found)
    return most + log(sum(exp(item - most) for item in found)) - at_limit


def _log_likelihood(successes: int, trials: int, limit: float, b: float) -> float:
    """log of the mean likelihood over Beta(1, b) above ``limit``."""
    late_a, late_b = 1.0 + successes, b + trials - successes
    above = log_above(limit, late_a, late_b) - log_above(limit, 1.0, b)
    return log_beta(late_a, late_b) - log_beta(1.0, b) + above
