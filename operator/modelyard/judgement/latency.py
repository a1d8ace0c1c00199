"""Judges LatencyP50, P95 and P99: the seconds within which that share of the requests was answered."""

from __future__ import annotations

from bisect import bisect_left
from math import exp, inf, log

from modelyard.judgement.bernoulli import log_evidence
from modelyard.judgement.finding import Finding, verdict
from modelyard_api.wire.request_counts import LATENCY_BOUNDS, Requests

RANKS = {"LatencyP50": 0.5, "LatencyP95": 0.95, "LatencyP99": 0.99}


def latency(rank: float, limit: float, candidate: Requests, alpha: float) -> Finding:
    """Returns Failed if the quantile ``rank`` is above ``limit`` seconds: a share above 1 - rank took longer.

    Only requests in buckets wholly above ``limit`` count as slower, so an excess of up to one bucket, 8.5 %, stays
    unnoticed. It is wrong with a probability of at most ``alpha`` over any number of looks.
    """
    quantile = _quantile(candidate, rank)
    slower, total = candidate.slower(limit), candidate.total
    proven = log_evidence(slower, total, 1 - rank) > log(1 / alpha)
    message = f"{_seconds(quantile)} of {total} requests, max {_seconds(limit)}; {slower} took longer"
    return Finding(verdict(within=quantile <= limit, proven=proven), message)


def latency_ratio(rank: float, ratio: float, candidate: Requests, stable: Requests, alpha: float) -> Finding:
    """Returns Failed if the quantile ``rank`` is above ``ratio`` times the stable version's. It is wrong with a
    probability of at most ``alpha`` over any number of looks."""
    proven = _log_evidence(rank, ratio, candidate, stable, log(1 / alpha)) > log(1 / alpha)
    quantile, base = _quantile(candidate, rank), _quantile(stable, rank)
    message = (
        f"{_seconds(quantile)} of {candidate.total} requests, "
        f"of the stable version's {_seconds(base)} of {stable.total}: ratio {quantile / base:.3g}, max {ratio:g}"
    )
    return Finding(verdict(within=quantile <= ratio * base, proven=proven), message)


def _log_evidence(rank: float, ratio: float, candidate: Requests, stable: Requests, enough: float) -> float:
    """Returns the log of the evidence that the ratio of the quantiles is above ``ratio``.

    The search stops at the first value not above ``enough``, which is then only an upper bound.

    If the stable version's quantile v were known, a ratio within the limit would mean two things: at most a share of
    1 - rank of the candidate's requests is slower than ratio * v, and at most a share of ``rank`` of the stable's is
    faster than v. Each can be tested, and the samples are independent, so the product of their evidence, or a mean of
    it and of each, is evidence against both together (Ramdas et al. 2023, section 4). Since v is not known, the least
    evidence over all v counts, which is valid because the true v is among them. The candidate's data rejects a v that
    is too small, and the stable version's data one that is too large. Only the bucket of v is known, so each side uses
    the end of the bucket that proves less.
    """
    bounds = [0.0, *LATENCY_BOUNDS, inf]
    within = [0]
    for index in range(len(LATENCY_BOUNDS)):
        within.append(within[-1] + stable.latencies.get(index, 0))
    # Start at the likeliest bucket: for a candidate that is no slower, one bucket then suffices.
    likely = bisect_left(LATENCY_BOUNDS, _quantile(stable, rank))
    least = inf
    for index in sorted(range(len(within)), key=lambda index: abs(index - likely)):
        candidate_log = log_evidence(candidate.slower(ratio * bounds[index + 1]), candidate.total, 1 - rank)
        stable_log = log_evidence(within[index], stable.total, rank)
        both_log = candidate_log + stable_log
        greatest = max(candidate_log, stable_log, both_log)
        mean = 0.25 * exp(candidate_log - greatest) + 0.25 * exp(stable_log - greatest) + 0.5 * exp(both_log - greatest)
        least = min(least, greatest + log(mean))
        if least <= enough:
            break
    return least


def _quantile(requests: Requests, rank: float) -> float:
    quantile = requests.quantile(rank)
    assert quantile is not None, "requests came"
    return quantile


def _seconds(value: float) -> str:
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.3g} s"
