"""ErrorRate: the share of answers with a code of 500 and more."""

from __future__ import annotations

from math import inf, log

from modelyard.judgement.bernoulli import log_evidence
from modelyard.judgement.finding import Finding, percent, verdict
from modelyard_api.wire.request_counts import Requests


def error_rate(limit: float, candidate: Requests, alpha: float) -> Finding:
    """Failed: the share of errors is above ``limit``, by a test (``log_evidence``) that is wrong with a probability of
    ``alpha`` at most, however often it is looked at."""
    rate = candidate.errors / candidate.total
    proven = log_evidence(candidate.errors, candidate.total, limit) > log(1 / alpha)
    message = f"{_said(candidate)} failed, max {percent(limit)}"
    return Finding(verdict(within=rate <= limit, proven=proven), message)


def error_ratio(ratio: float, candidate: Requests, stable: Requests, alpha: float) -> Finding:
    """Failed: the share of errors is above ``ratio`` times the stable version's.

    Given how many errors there were in all, each is the candidate's with probability n_c r / (n_c r + n_s) when the
    candidate's share of errors is r times the stable's and they answered n_c and n_s requests (the conditional test
    of two Poisson rates: Przyborowski, Wilenski 1940). So it is the test of a Bernoulli share again, of errors instead
    of requests, and wrong with probability ``alpha`` at most as long as n_c / n_s stays what it is within a step. Of
    errors that are no longer rare there are fewer surprises than by Poisson's law: the test errs to the safe side.
    """
    odds = candidate.total * ratio
    share = odds / (odds + stable.total)
    proven = log_evidence(candidate.errors, candidate.errors + stable.errors, share) > log(1 / alpha)
    rate, base = candidate.errors / candidate.total, stable.errors / stable.total
    found = rate / base if base else inf if rate else 1.0
    message = f"{_said(candidate)} failed, of the stable version's {_said(stable)}: ratio {found:.3g}, max {ratio:g}"
    return Finding(verdict(within=rate <= ratio * base, proven=proven), message)


def _said(requests: Requests) -> str:
    return f"{percent(requests.errors / requests.total)} of {requests.total} requests"
