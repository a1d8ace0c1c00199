"""Checks of a Sweep's spec that need no pod."""

from __future__ import annotations

from modelyard.workload.conclude import Trouble
from modelyard.workload.durations import duration
from modelyard_api.fields.metrics import METRICS
from modelyard_api.fields.space import problem
from modelyard_api.kinds.sweep import SweepSpec


def check(spec: SweepSpec, model_task: str | None) -> Trouble | None:
    """Returns the first error that makes the sweep impossible whatever the data holds, or None."""
    if duration(spec.trial_timeout).total_seconds() < 1:
        return Trouble("InvalidDuration", f"spec.trialTimeout: {spec.trial_timeout} is too short; write at least 1s")
    task = METRICS[spec.objective].task
    if model_task and task != model_task:
        message = (
            f"spec.objective: {spec.objective} is for {task}, but spec.modelRef names a Model of task {model_task}"
        )
        return Trouble("TaskMismatch", f"{message}; choose another metric or another Model")
    found = problem(spec.search, spec.objective)
    return Trouble(found.reason, found.message) if found else None
