"""Gates: the scores that a version must reach before it may become champion."""

from __future__ import annotations

import math

from modelyard_api.kinds.model import Gate
from modelyard_api.kinds.modelversion import GateResult


def judge(gates: list[Gate], metrics: dict[str, float]) -> list[GateResult]:
    """Returns each gate's result; a metric that is missing or NaN does not pass."""
    return [_judge(gate, metrics.get(gate.metric)) for gate in gates]


def _judge(gate: Gate, value: float | None) -> GateResult:
    bounds = " and ".join(
        f"{word} {bound:g}" for word, bound in (("at least", gate.min), ("at most", gate.max)) if bound is not None
    )
    if value is None:
        message = f"{gate.metric} was not scored; add it to the run's spec.additionalMetrics"
        return GateResult(name=gate.name, metric=gate.metric, passed=False, message=message)
    passed = (
        not math.isnan(value) and (gate.min is None or value >= gate.min) and (gate.max is None or value <= gate.max)
    )
    message = f"{gate.metric} is {value:.6g}, asked is {bounds}"
    return GateResult(name=gate.name, metric=gate.metric, passed=passed, message=message)
