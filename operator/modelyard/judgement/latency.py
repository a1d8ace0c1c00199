"""LatencyP50, P95, P99: the seconds within which that share of the requests was answered."""

from __future__ import annotations

from bisect import bisect_left
from math import exp, inf, log

from modelyard.judgement.bernoulli import log_evidence
from modelyard.judgement.finding import Finding, verdict
from modelyard_api.wire.request_counts import LATENCY_BOUNDS, Requests

RANKS = {"LatencyP50": 0.5, "LatencyP95": 0.95, "LatencyP99": 0.99}


def latency(rank: float, limit: float, candidate: Requests, alpha: float) -> Finding:
    """Failed: the quantile ``rank`` is above ``limit`` seconds, that is, a share above 1 - rank took longer.

    Only requests of buckets wholly above ``limit`` count as slower: it is exceeded by a bucket, 8.5 %, unseen at most.
    Wrong with probability ``alpha`` at most, however often it is looked at.
    """
    found = _quantile(candidate, rank)
    slower, total = candidate.slower(limit), candidate.total
    proven = log_evidence(slower, total, 1 - rank) > log(1 / alpha)
    message = f"{_seconds(found)} of {total} requests, max {_seconds(limit)}; {slower} took longer"
    return Finding(verdict(within=found <= limit, proven=proven), message)


def latency_ratio(rank: float, ratio: float, candidate: Requests, stable: Requests, alpha: float) -> Finding:
    """Failed: the quantile ``rank`` is above ``ratio`` times the stable version's. Wrong with probability ``alpha`` at
    most, however often it is looked at."""
    proven = _log_evidence(rank, ratio, candidate, stable, log(1 / alpha)) > log(1 / alpha)
    found, base = _quantile(candidate, rank), _quantile(stable, rank)
    message = (
        f"{_seconds(found)} of {candidate.total} requests, of the stable version's {_seconds(base)} of {stable.total}: "
        f"ratio {found / base:.3g}, max {ratio:g}"
    )
    return Finding(verdict(within=found <= ratio * base, proven=proven), message)


def _log_evidence(rank: float, ratio: float, candidate: Requests, stable: Requests, enough: float) -> float:
    """log of the evidence that the ratio of the quantiles is above ``ratio``; where it is not above ``enough``, no
    more than that is said.

    Were the stable's quantile v known, the ratio within its limit would mean that a share of at most 1 - rank of the
    candidate's requests is slower than ratio * v, and one of at most ``rank`` of the stable's quicker than v. Of each
    there is a test, the samples are independent, and so the product of their evidence, or a mean of it and of each, is
    evidence against both together (Ramdas et al. 2023, section 4). v is not known: what counts is the least over
    all v. As the true one is among them this costs nothing. A v that is too small the candidate speaks against, one
    that is too large the stable version. Of v only the bucket is known, and each side takes the end of it that proves
    less.
    """
    bounds = [0.0, *LATENCY_BOUNDS, inf]
    within = [0]
    for index in range(len(LATENCY_BOUNDS)):
        within.append(within[-1] + stable.latencies.get(index, 0))
    # From the likeliest bucket on: a candidate that is no slower needs one look.
    likely = bisect_left(LATENCY_BOUNDS, _quantile(stable, rank))
    least = inf
    for index in sorted(range(len(within)), key=lambda index: abs(index - likely)):
        one = log_evidence(candidate.slower(ratio * bounds[index + 1]), candidate.total, 1 - rank)
        other = log_evidence(within[index], stable.total, rank)
        most = max(one, other, one + other)
        mean = 0.25 * exp(one - most) + 0.25 * exp(other - most) + 0.5 * exp(one + other - most)
        least = min(least, most + log(mean))
        if least <= enough:
            break
    return least


def _quantile(requests: Requests, rank: float) -> float:
    found = requests.quantile(rank)
    assert found is not None, "requests came"
    return found


def _seconds(value: float) -> str:
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.3g} s"
