"""Metrics on the held-out rows, by scikit-learn's scorer names without ``neg_``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics as sk

from modelyard_api.metrics import METRICS, Task, metrics_of
from modelyard_runtime.errors import UserError

DEFAULT = {Task.CLASSIFICATION: "balanced_accuracy", Task.REGRESSION: "root_mean_squared_error"}
_ON_ANSWERS: dict[str, Callable[..., float]] = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "f1_macro": lambda y, p: sk.f1_score(y, p, average="macro", zero_division=0),
    "f1_weighted": lambda y, p: sk.f1_score(y, p, average="weighted", zero_division=0),
    "precision_macro": lambda y, p: sk.precision_score(y, p, average="macro", zero_division=0),
    "recall_macro": lambda y, p: sk.recall_score(y, p, average="macro", zero_division=0),
    "matthews_corrcoef": sk.matthews_corrcoef,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
    "mean_absolute_error": sk.mean_absolute_error,
    "mean_squared_error": sk.mean_squared_error,
    "root_mean_squared_error": sk.root_mean_squared_error,
    "median_absolute_error": sk.median_absolute_error,
    "max_error": sk.max_error,
    "mean_absolute_percentage_error": sk.mean_absolute_percentage_error,
}


def wanted(objective: str | None, additional: list[str], task: Task) -> tuple[str, list[str]]:
    """The objective and all metrics to score, checked against the task. Raises UserError."""
    named = [("spec.objective", objective)] if objective else []
    named += [(f"spec.additionalMetrics[{index}]", name) for index, name in enumerate(additional)]
    for field, name in named:
        if METRICS[name].task != task:
            message = f"{name} is not a metric of {task}; write one of {', '.join(metrics_of(task))}"
            raise UserError("MetricDoesNotFit", message, field)
    first = objective or DEFAULT[task]
    return first, list(dict.fromkeys([first, *additional]))


def score(
    names: list[str],
    truth: np.ndarray,
    answers: np.ndarray,
    probabilities: np.ndarray | None,
    classes: list[Any],
) -> dict[str, float]:
    """``truth`` and ``answers``: shape (rows,). ``probabilities``: (rows, classes) or None. Raises UserError."""
    found = {}
    for name in names:
        try:
            if METRICS[name].needs_probabilities:
                value = _on_probabilities(name, truth, probabilities, classes)
            else:
                value = _ON_ANSWERS[name](truth, answers)
        except ValueError as error:
            raise UserError("ScoreFailed", f"{name} can't be computed on the held-out rows: {error}") from error
        if not math.isfinite(value):
            raise UserError("ScoreFailed", f"{name} on the held-out rows is {value}; hold out more rows")
        found[name] = float(value)
    return found


def _on_probabilities(name: str, truth: np.ndarray, probabilities: np.ndarray | None, classes: list[Any]) -> float:
    if probabilities is None:
        raise UserError("MetricDoesNotFit", f"{name} needs probabilities, which this algorithm does not give")
    labels = np.array(classes, dtype=object if isinstance(classes[0], str) else None)
    if name == "log_loss":
        return float(sk.log_loss(truth, probabilities, labels=labels))
    if len(classes) == 2:
        return float(sk.roc_auc_score(truth == classes[1], probabilities[:, 1]))
    return float(sk.roc_auc_score(truth, probabilities, multi_class="ovr", labels=labels))
