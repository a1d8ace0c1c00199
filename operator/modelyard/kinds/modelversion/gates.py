"""Gates: the scores that a version must reach before it may become champion."""

from __future__ import annotations

import math

from modelyard.workload.baseline import constant_of, is_worthless
from modelyard_api.fields.metrics import DEFAULT, METRICS, Task
from modelyard_api.kinds.model import Gate, NoWorseThanChampion
from modelyard_api.kinds.modelversion import Comparison, GateResult, ModelVersionStatus

NO_WORSE = "NoWorseThanChampion"
"""Name of the gate that every Model has. No gate of a spec can have it, since those are in lower case."""


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


def worthless(status: ModelVersionStatus) -> GateResult | None:
    """Returns the refusal of a challenger that is no better than a constant answer, whatever the champion is, or None.

    Without it a champion that has become as bad would be followed by a model that has learnt nothing.
    """
    metric = status.objective
    if metric is None or not is_worthless(metric, status.metrics, status.baseline):
        return None
    message = (
        f"{metric} is {status.metrics[metric]:.6g}, no better than the {status.baseline:.6g} of always answering "
        f"{constant_of(metric)}"
    )
    return GateResult(name=NO_WORSE, metric=metric, passed=False, message=message)


def metric_of(gate: NoWorseThanChampion, task: str) -> str:
    """Returns the metric by which a version of this task is compared with the champion."""
    return gate.metric or DEFAULT[Task(task)]


def no_worse(gate: NoWorseThanChampion, task: str, metrics: dict[str, float], comparison: Comparison) -> GateResult:
    """Returns whether a version with these ``metrics`` is no worse than the champion, both on the same rows.

    What was not scored, or not compared, does not pass: a worse version must not follow because nobody looked.
    """
    metric, champion = metric_of(gate, task), f"the champion, version {comparison.champion}"
    value, base = (comparison.own_metrics or metrics).get(metric), comparison.metrics.get(metric)

    def result(passed: bool, message: str) -> GateResult:
        return GateResult(name=NO_WORSE, metric=metric, passed=passed, message=message)

    if comparison.problem:
        return result(False, f"not judged: {champion}, was not scored on this version's held-out rows")
    if value is None or base is None:
        return result(False, f"not judged: {metric} was not scored of {'this version' if value is None else champion}")
    slack = gate.tolerance * abs(base)
    greater = METRICS[metric].greater_is_better
    limit = base - slack if greater else base + slack
    passed = value >= limit if greater else value <= limit
    bound = "at least" if greater else "at most"
    message = (
        f"{metric} is {value:.6g}, that of {champion}, on the same {_rows(comparison)} is {base:.6g}; "
        f"asked is {bound} {limit:.6g} (tolerance {gate.tolerance:g})"
    )
    return result(passed and not math.isnan(value), message)


def _rows(comparison: Comparison) -> str:
    return "rows" if comparison.rows is None else f"{comparison.rows} rows"
