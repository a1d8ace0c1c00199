"""The cases of the rules for ModelDeployment's rollout: accepted and refused specs, and the messages of refusals."""

from __future__ import annotations

from typing import Any

from tests.kinds.sample import Create

GATEWAY = {"name": "gw", "hostname": "m.example.com"}


def _rollout(strategy: str, **more: Any) -> dict[str, Any]:
    return {"gateway": GATEWAY, "rollout": {"strategy": strategy, **more}}


def _steps(*weights: int, **more: Any) -> dict[str, Any]:
    return _rollout("Canary", steps=[{"weight": weight, "pause": "60s", **more} for weight in weights])


def _metric(**more: Any) -> dict[str, Any]:
    return _rollout("Canary", analysis={"metrics": [{"name": "a", **more}]})


def _shadow(**more: Any) -> dict[str, Any]:
    return _rollout("Shadow", analysis={"metrics": [{"name": "a", **more}]})


ROLLOUTS = (
    Create(
        "strategies Canary, Shadow and ABTest divide the traffic, for which they need gateway",
        good=_rollout("Canary"),
        bad=_rollout("Canary") | {"gateway": None},
    ),
    Create(
        "strategies Canary, Shadow and ABTest divide the traffic",
        good=_rollout("BlueGreen") | {"gateway": None},
        bad=_rollout("Shadow") | {"gateway": None},
    ),
    Create("the weights of steps must rise", good=_steps(0, 10, 100), bad=_steps(50, 10)),
    Create("the weights of steps must rise", good=_steps(10), bad=_steps(10, 10)),
    Create(
        "write exactly one of pause (a duration) and untilPromoted: true",
        good=_rollout("Canary", steps=[{"weight": 10, "untilPromoted": True}]),
        bad=_rollout("Canary", steps=[{"weight": 10}]),
    ),
    Create("write exactly one of pause", bad=_steps(10, untilPromoted=True)),
    Create(
        "strategy ABTest needs abTest",
        good=_rollout("ABTest", abTest={"stickyBy": "x-user"}),
        bad=_rollout("ABTest"),
    ),
    Create(
        "write headers, stickyBy or both",
        good=_rollout("ABTest", abTest={"headers": {"x-group": "beta"}}),
        bad=_rollout("ABTest", abTest={}),
    ),
    Create(
        "stickyBy and headers name the same header",
        good=_rollout("ABTest", abTest={"headers": {"x-group": "beta"}, "stickyBy": "x-user"}),
        bad=_rollout("ABTest", abTest={"headers": {"x-user": "me"}, "stickyBy": "x-user"}),
    ),
    Create(
        "a header's name has lower-case letters, digits and '-' only",
        good=_rollout("ABTest", abTest={"headers": {"x-2": "beta"}}),
        bad=_rollout("ABTest", abTest={"headers": {"X-Group": "beta"}}),
    ),
    Create(
        "abTest is for strategy ABTest",
        good=_rollout("Canary"),
        bad=_rollout("Canary", abTest={"stickyBy": "x-user"}),
    ),
    Create(
        "strategy Rolling has no steps",
        good=_rollout("Rolling", steps=[]),
        bad=_rollout("Rolling", steps=[{"weight": 10, "pause": "1s"}]),
    ),
    Create(
        "a step of BlueGreen has weight 0 (a preview) or 100",
        good=_rollout("BlueGreen", steps=[{"weight": 0, "untilPromoted": True}, {"weight": 100, "pause": "1s"}]),
        bad=_rollout("BlueGreen", steps=[{"weight": 50, "pause": "1s"}]),
    ),
    Create(
        "promote and abort name the same version",
        good=_rollout("Canary", promote=4, abort=3),
        bad=_rollout("Canary", promote=4, abort=4),
    ),
    Create(
        "write exactly one of max and maxRatioToStable",
        good=_metric(metric="ErrorRate", max=0.01),
        bad=_metric(metric="ErrorRate"),
    ),
    Create(
        "write exactly one of max and maxRatioToStable",
        good=_metric(metric="LatencyP99", maxRatioToStable=1.5),
        bad=_metric(metric="LatencyP99", max=1, maxRatioToStable=1.5),
    ),
    Create(
        "maxRatioToStable is for ErrorRate and latencies",
        good=_metric(metric="PredictionShift", max=0.2),
        bad=_metric(metric="PredictionShift", maxRatioToStable=1.5),
    ),
    Create(
        "max of this metric is a share between 0 and 1",
        good=_metric(metric="LatencyP50", max=2),
        bad=_metric(metric="InputShift", max=2),
    ),
    Create(
        "metric Disagreement is for strategy Shadow",
        good=_shadow(metric="Disagreement", max=0.01),
        bad=_metric(metric="Disagreement", max=0.01),
    ),
    Create(
        "tolerance is for metric Disagreement",
        good=_shadow(metric="Disagreement", max=0.01, tolerance=0.1),
        bad=_metric(metric="PredictionShift", max=0.2, tolerance=0.1),
    ),
    Create(
        "minReplicas must not be greater than maxReplicas",
        good={"autoscaling": {"minReplicas": 2, "maxReplicas": 2}},
        bad={"autoscaling": {"minReplicas": 3, "maxReplicas": 2}},
    ),
)
