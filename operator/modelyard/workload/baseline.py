"""Compares a model's objective with that of an answer that needs no features, which every useful model beats."""

from __future__ import annotations

import math
from collections.abc import Mapping

from modelyard_api.fields.metrics import METRICS, Task


def is_worthless(objective: str | None, metrics: Mapping[str, float], baseline: float | None) -> bool:
    """Returns whether the objective is known to be no better than the baseline's; rounding counts as equal."""
    score = metrics.get(objective or "")
    if baseline is None or score is None or objective not in METRICS:
        return False
    if math.isclose(score, baseline, rel_tol=1e-9, abs_tol=1e-12):
        return True
    return (score < baseline) == METRICS[objective].greater_is_better


def constant_of(objective: str) -> str:
    """Returns what the baseline always answers."""
    return "the mean" if METRICS[objective].task == Task.REGRESSION else "the most frequent class"
