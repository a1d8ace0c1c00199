"""Computes metrics on the held-out rows; they have the names of scikit-learn's scorers, without ``neg_``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics as sk

from modelyard_api.fields.metrics import DEFAULT, METRICS, Task, metrics_of
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say

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


def required(objective: str | None, additional: list[str], task: Task) -> tuple[str, list[str]]:
    """Returns the objective and all requested metrics. Raises UserError if one doesn't fit the task."""
    names = [("spec.objective", objective)] if objective else []
    names += [(f"spec.additionalMetrics[{index}]", name) for index, name in enumerate(additional)]
    for field, name in names:
        if METRICS[name].task != task:
            message = f"{name} is not a metric of {task}; write one of {', '.join(metrics_of(task))}"
            raise UserError("MetricDoesNotFit", message, field)
    chosen = objective or DEFAULT[task]
    return chosen, list(dict.fromkeys([chosen, *additional]))


def score(
    needed: list[str],
    task: Task,
    truth: np.ndarray,
    answers: np.ndarray,
    probabilities: np.ndarray | None,
    classes: list[Any],
) -> dict[str, float]:
    """Returns the ``needed`` metrics, then every other metric of the task that can be computed.

    ``truth`` and ``answers`` have shape (rows,); ``probabilities`` is None or has shape (rows, classes). Raises
    UserError if a needed metric can't be computed.
    """
    scores = {}
    for name in dict.fromkeys([*needed, *metrics_of(task)]):
        try:
            scores[name] = score_one(name, truth, answers, probabilities, classes)
        except UserError as error:
            if name in needed:
                raise
            say(f"left out: {error.message}")
    return scores


def score_one(
    name: str, truth: np.ndarray, answers: np.ndarray, probabilities: np.ndarray | None, classes: list[Any]
) -> float:
    """Returns one metric, from arrays as ``score`` takes them. Raises UserError if it can't be computed."""
    try:
        if METRICS[name].needs_probabilities:
            value = _on_probabilities(name, truth, probabilities, classes)
        else:
            value = _ON_ANSWERS[name](truth, answers)
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise UserError("ScoreFailed", f"{name} can't be computed on the held-out rows: {problem}") from error
    if not math.isfinite(value):
        raise UserError("ScoreFailed", f"{name} on the held-out rows is {value}; hold out more rows")
    return float(value)


def _on_probabilities(name: str, truth: np.ndarray, probabilities: np.ndarray | None, classes: list[Any]) -> float:
    if probabilities is None:
        raise UserError("MetricDoesNotFit", f"{name} needs probabilities, which this model does not give")
    new = sorted(set(truth.tolist()) - set(classes))
    if new:
        message = (
            f"{name} needs a probability for each class of the held-out rows, but the model knows none for {new[0]!r}, "
            "which none of the rows it was trained on has; write Stratified for the Dataset's spec.split.strategy, "
            "or choose a metric of labels such as balanced_accuracy"
        )
        raise UserError("ScoreFailed", message)
    labels = np.array(classes, dtype=object if isinstance(classes[0], str) else None)
    # Always in double precision, because log_loss clips at the precision of the array's type.
    probabilities = np.asarray(probabilities, dtype=np.float64)
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    if name == "log_loss":
        return float(sk.log_loss(truth, probabilities, labels=labels))
    if len(classes) == 2:
        return float(sk.roc_auc_score(truth == classes[1], probabilities[:, 1]))
    return float(sk.roc_auc_score(truth, probabilities, multi_class="ovr", labels=labels))
