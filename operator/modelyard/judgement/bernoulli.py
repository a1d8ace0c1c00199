"""Tests whether a share of trials is above a limit, validly at any number of looks at the data."""

from __future__ import annotations

from math import exp, inf, log, log1p

from modelyard.judgement.beta import log_above, log_beta


def log_evidence(successes: int, trials: int, limit: float) -> float:
    """Returns the log of the evidence that a trial succeeds with a probability above ``limit``; inf if it is certain.

    If the probability is at most ``limit``, the chance that the evidence ever exceeds 1 / alpha, at any number of looks
    at growing data, is at most alpha (Ville 1939). The evidence is the likelihood of the data, mixed over probabilities
    p > limit by a prior, divided by the likelihood at ``limit`` (Robbins 1970, "Statistical methods related to the law
    of the iterated logarithm"; the beta-binomial mixture, truncated below limit). For each p > limit that ratio is a
    supermartingale: its factor for a success is above 1, and the factors' mean is at most 1 at limit, hence also below
    it. A mixture of supermartingales is one too.

    Four fifths of the prior are a beta of mean about 2 * limit, because a limit of a few percent is mostly exceeded
    two- or threefold. One fifth is uniform, which soon detects a candidate that fails nearly always.
    """
    if limit >= 1 or not trials:
        return 0.0
    if limit <= 0:
        return inf if successes else 0.0
    at_limit = successes * log(limit) + (trials - successes) * log1p(-limit)
    priors = ((0.8, max(1.0, 1 / limit)), (0.2, 1.0))
    terms = [log(weight) + _log_likelihood(successes, trials, limit, b) for weight, b in priors]
    greatest = max(terms)
    return greatest + log(sum(exp(term - greatest) for term in terms)) - at_limit


def _log_likelihood(successes: int, trials: int, limit: float, b: float) -> float:
    """Returns the log of the mean likelihood over Beta(1, b) above ``limit``."""
    posterior_a, posterior_b = 1.0 + successes, b + trials - successes
    above = log_above(limit, posterior_a, posterior_b) - log_above(limit, 1.0, b)
    return log_beta(posterior_a, posterior_b) - log_beta(1.0, b) + above
