"""Judges ErrorRate: the share of answers with a code of 500 or above, and of 4xx that the stable version does not have.

A candidate with another signature refuses with 400 what the stable version answers, so a 4xx is not always the client's
fault. How many are is seen at the stable version, which gets requests of the same clients over the same time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

from modelyard.judgement.bernoulli import log_evidence
from modelyard.judgement.finding import Finding, percent, verdict
from modelyard_api.wire.bounds import radius
from modelyard_api.wire.request_counts import Requests

REFUSED_ALPHA = 0.1
"""Share of the error budget for refusals. They are seen in a few requests, so that most is left for errors."""


@dataclass(frozen=True, slots=True)
class Refused:
    """How the candidate's refusals (4xx) compare. ``excess`` is the share that the stable version does not have."""

    excess: float
    within: bool
    proven: bool
    message: str


def error_rate(limit: float, candidate: Requests, stable: Requests | None, least: int, alpha: float) -> Finding:
    """Returns Failed if the share of errors is above ``limit``, by the test ``log_evidence``, or if the share of
    refusals is by more than ``limit`` above the stable version's. That is wrong with a probability of at most
    ``alpha`` over any number of looks.

    Errors alone need no stable version. Refusals are Inconclusive until it was asked ``least`` times.
    """
    refused = _refused(limit, candidate, stable, least, REFUSED_ALPHA * alpha)
    rate = candidate.errors / candidate.total
    enough = log(1 / ((1 - REFUSED_ALPHA) * alpha))
    proven = log_evidence(candidate.errors, candidate.total, limit) > enough
    message = f"{_share(candidate)} failed, max {percent(limit)}{refused.message}"
    within = refused.within and rate + refused.excess <= limit
    return Finding(verdict(within=within, proven=proven or refused.proven), message)


def error_ratio(ratio: float, candidate: Requests, stable: Requests, alpha: float) -> Finding:
    """Returns Failed if the share of errors, or the share of refusals, is above ``ratio`` times the stable version's.

    It is wrong with a probability of at most ``alpha`` as long as n_c / n_s is constant within a step.
    """
    proven = _is_above(ratio, candidate, stable, candidate.errors, stable.errors, (1 - REFUSED_ALPHA) * alpha)
    rate, base = candidate.errors / candidate.total, stable.errors / stable.total
    observed = rate / base if base else inf if rate else 1.0
    message = (
        f"{_share(candidate)} failed, of the stable version's {_share(stable)}: ratio {observed:.3g}, max {ratio:g}"
    )
    refused = _is_above(ratio, candidate, stable, candidate.refusals, stable.refusals, REFUSED_ALPHA * alpha)
    # One refusal more may be the mistake of one client, which should not hold up a rollout.
    few = candidate.refusals <= ratio * candidate.total * stable.refusals / stable.total + 1
    if not few:
        message += _refusals(candidate, stable)
    return Finding(verdict(within=rate <= ratio * base and few, proven=proven or refused), message)


def _is_above(
    ratio: float, candidate: Requests, stable: Requests, of_candidate: int, of_stable: int, alpha: float
) -> bool:
    """Whether it is proven that the candidate's share of such answers is above ``ratio`` times the stable version's.

    If the candidate's share is r times the stable version's, and they answered n_c and n_s requests, then each of these
    answers is the candidate's with probability n_c r / (n_c r + n_s), given their total number (the conditional test of
    two Poisson rates: Przyborowski, Wilenski 1940). So ``log_evidence`` tests a share of them instead of requests.
    Answers that are not rare vary less than Poisson's law says, so the test then errs on the safe side.
    """
    odds = candidate.total * ratio
    share = odds / (odds + stable.total)
    return log_evidence(of_candidate, of_candidate + of_stable, share) > log(1 / alpha)


def _refused(limit: float, candidate: Requests, stable: Requests | None, least: int, alpha: float) -> Refused:
    rate = candidate.refusals / candidate.total
    if stable is None or stable.total < max(least, 1):
        if rate <= limit:
            return Refused(0.0, within=True, proven=False, message="")
        times = 0 if stable is None else stable.total
        message = f"; {percent(rate)} were refused (4xx), the stable version was asked {times} times of {least}"
        return Refused(0.0, within=False, proven=False, message=message)
    excess = max(0.0, rate - stable.refusals / stable.total)
    proven = excess - radius(candidate.total, stable.total, 0.0, alpha) > limit
    return Refused(excess, within=True, proven=proven, message=_refusals(candidate, stable) if excess else "")


def _refusals(candidate: Requests, stable: Requests) -> str:
    shares = (percent(requests.refusals / requests.total) for requests in (candidate, stable))
    return "; {} were refused (4xx), of the stable version's {}".format(*shares)


def _share(requests: Requests) -> str:
    """Returns the share of errors as text, with the number of requests."""
    return f"{percent(requests.errors / requests.total)} of {requests.total} requests"
