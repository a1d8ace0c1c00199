"""Judges ErrorRate: the share of answers with a status code of 500 or above."""

from __future__ import annotations

from math import inf, log

from modelyard.judgement.bernoulli import log_evidence
from modelyard.judgement.finding import Finding, percent, verdict
from modelyard_api.wire.request_counts import Requests


def error_rate(limit: float, candidate: Requests, alpha: float) -> Finding:
    """Returns Failed if the share of errors is above ``limit``, by the test ``log_evidence``. That is wrong with a
    probability of at most ``alpha`` over any number of looks."""
    rate = candidate.errors / candidate.total
    proven = log_evidence(candidate.errors, candidate.total, limit) > log(1 / alpha)
    message = f"{_share(candidate)} failed, max {percent(limit)}"
    return Finding(verdict(within=rate <= limit, proven=proven), message)


def error_ratio(ratio: float, candidate: Requests, stable: Requests, alpha: float) -> Finding:
    """Returns Failed if the share of errors is above ``ratio`` times the stable version's.

    If the candidate's share of errors is r times the stable version's, and they answered n_c and n_s requests, then
    each error is the candidate's with probability n_c r / (n_c r + n_s), given the total number of errors (the
    conditional test of two Poisson rates: Przyborowski, Wilenski 1940). So ``log_evidence`` tests a share of errors
    instead of requests. It is wrong with a probability of at most ``alpha`` as long as n_c / n_s is constant within a
    step. Errors that are not rare vary less than Poisson's law says, so the test then errs on the safe side.
    """
    odds = candidate.total * ratio
    share = odds / (odds + stable.total)
    proven = log_evidence(candidate.errors, candidate.errors + stable.errors, share) > log(1 / alpha)
    rate, base = candidate.errors / candidate.total, stable.errors / stable.total
    observed = rate / base if base else inf if rate else 1.0
    message = (
        f"{_share(candidate)} failed, of the stable version's {_share(stable)}: ratio {observed:.3g}, max {ratio:g}"
    )
    return Finding(verdict(within=rate <= ratio * base, proven=proven), message)


def _share(requests: Requests) -> str:
    """Returns the share of errors as text, with the number of requests."""
    return f"{percent(requests.errors / requests.total)} of {requests.total} requests"
