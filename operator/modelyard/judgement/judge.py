"""Judges a candidate by what its servers and the stable version's servers counted since the step began."""

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
"""Probability that a candidate whose values are all exactly at their limits gets Failed from any metric at any look
within one step. The metrics share it equally. So a rollout of two steps is wrongly failed in less than 1 % of cases. A
rollout of many steps uses a smaller value for each step."""
MAX_MESSAGE = 256
_ROLES = {"PredictionShift": "Output", "InputShift": "Input"}


def judge(
    metrics: Sequence[AnalysisMetric],
    min_requests: int,
    candidate: Sketches | None,
    stable: Sketches | None,
    alpha: float = ALPHA,
) -> tuple[Judged, ...]:
    """Returns one judgement per metric, in the order of ``metrics``. It is a pure function.

    ``candidate`` and ``stable`` are what the two versions' servers counted over the same time since the step began,
    merged over their pods; None if no pod answered. It may be called at any number of looks while they grow: every
    test is valid at all looks together. Passed means that the estimate is within the limit, not that this is proven.
    """
    findings = [_judged(metric, min_requests, candidate, stable, alpha / len(metrics)) for metric in metrics]
    return tuple(
        Judged(name=metric.name, verdict=finding.verdict, message=finding.message[:MAX_MESSAGE])
        for metric, finding in zip(metrics, findings, strict=True)
    )


def _judged(
    metric: AnalysisMetric, min_requests: int, candidate: Sketches | None, stable: Sketches | None, alpha: float
) -> Finding:
    alone = metric.metric not in ("Disagreement", *_ROLES) and metric.max_ratio_to_stable is None
    for name, sketches in (("candidate", candidate), ("stable version", stable))[: 1 if alone else 2]:
        total = sketches.requests.total if sketches is not None else 0
        if total < max(min_requests, 1):
            return Finding(
                "Inconclusive", f"the {name} was asked {total} times since the step began, of {min_requests}"
            )
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
        others = None if stable is None else stable.requests
        return error_rate(metric.max, candidate.requests, others, min_requests, alpha)
    return latency(RANKS[metric.metric], metric.max, candidate.requests, alpha)
