"""Judges a candidate by what its servers and the stable version's counted since a step began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelyard.judgement.disagreement import disagreement
from modelyard.judgement.errors import error_rate, error_ratio
from modelyard.judgement.finding import Finding
from modelyard.judgement.latency import RANKS, latency, latency_ratio
from modelyard.judgement.shift import shift
from modelyard_api.kinds.modeldeployment import Judged
from modelyard_api.kinds.rollout import AnalysisMetric

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Sketches

ALPHA = 0.005
"""The probability that a candidate whose every value is just at its limit is called Failed by any metric at any look
within one step. The metrics share it equally. So a rollout of two steps goes wrong less than once in a hundred times;
one of many steps gives less to each."""
MAX_MESSAGE = 256
_ROLES = {"PredictionShift": "Output", "InputShift": "Input"}


def judge(
    metrics: Sequence[AnalysisMetric],
    min_requests: int,
    candidate: Sketches | None,
    stable: Sketches | None,
    alpha: float = ALPHA,
) -> tuple[Judged, ...]:
    """One judgement a metric, in their order. Pure.

    ``candidate`` and ``stable`` are what the two versions' servers saw over the same time, from the begin of the step
    on, merged over their pods; None where none answered. They may be asked as often as one likes while they grow:
    every test is valid at all looks at once. Passed says that the estimate is within the limit, not that it is proven.
    """
    found = [_judged(metric, min_requests, candidate, stable, alpha / len(metrics)) for metric in metrics]
    return tuple(
        Judged(name=metric.name, verdict=finding.verdict, message=finding.message[:MAX_MESSAGE])
        for metric, finding in zip(metrics, found, strict=True)
    )


def _judged(
    metric: AnalysisMetric, min_requests: int, candidate: Sketches | None, stable: Sketches | None, alpha: float
) -> Finding:
    alone = metric.metric not in ("Disagreement", *_ROLES) and metric.max_ratio_to_stable is None
    for name, sketches in (("candidate", candidate), ("stable version", stable))[: 1 if alone else 2]:
        came = sketches.requests.total if sketches is not None else 0
        if came < max(min_requests, 1):
            return Finding("Inconclusive", f"the {name} was asked {came} times since the step began, of {min_requests}")
    assert candidate is not None
    if metric.metric == "Disagreement":
        assert stable is not None
        assert metric.max is not None
        return disagreement(metric.max, metric.tolerance, min_requests, candidate, stable, alpha)
    if metric.metric in _ROLES:
        assert stable is not None
        assert metric.max is not None
        return shift(_ROLES[metric.metric], metric.max, candidate, stable, alpha)
    if metric.max_ratio_to_stable is not None:
        assert stable is not None
        requests = candidate.requests, stable.requests
        if metric.metric == "ErrorRate":
            return error_ratio(metric.max_ratio_to_stable, *requests, alpha)
        return latency_ratio(RANKS[metric.metric], metric.max_ratio_to_stable, *requests, alpha)
    assert metric.max is not None
    if metric.metric == "ErrorRate":
        return error_rate(metric.max, candidate.requests, alpha)
    return latency(RANKS[metric.metric], metric.max, candidate.requests, alpha)
