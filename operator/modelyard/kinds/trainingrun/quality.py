"""Conditions that doubt a trained model: the estimator did not converge, or the model is no better than a constant."""

from __future__ import annotations

import math
from collections.abc import Iterator

from modelyard.engine.conditions import Condition
from modelyard_api.fields.metrics import METRICS, Task
from modelyard_api.kinds.trainingrun import TrainingRunSpec, TrainingRunStatus


def conditions(spec: TrainingRunSpec, status: TrainingRunStatus) -> Iterator[Condition]:
    """Yields Converged if the estimator iterates until it converges, and BetterThanBaseline if there is a baseline.

    They leave Ready alone: the model is what the spec asks for, and a gate of the Model decides whether it serves.
    """
    fit = status.fit
    if fit and fit.converged is not None:
        yield (
            Condition("Converged", True, "Converged", "the fit converged")
            if fit.converged
            else _not_converged(spec, fit.convergence_warning, fit.scale)
        )
    if status.baseline is not None and status.objective in METRICS and status.objective in status.metrics:
        better = not is_worthless(status)
        reason = "BetterThanBaseline" if better else "NoBetterThanBaseline"
        yield Condition("BetterThanBaseline", better, reason, _compared(status, better), warning=not better)


def is_worthless(status: TrainingRunStatus) -> bool:
    """Returns whether the objective is known to be no better than the baseline's; rounding counts as equal."""
    score = status.metrics.get(status.objective or "")
    if status.baseline is None or score is None or status.objective not in METRICS:
        return False
    if math.isclose(score, status.baseline, rel_tol=1e-9, abs_tol=1e-12):
        return True
    return (score < status.baseline) == METRICS[status.objective].greater_is_better


def _not_converged(spec: TrainingRunSpec, warning: str | None, scale: str | None) -> Condition:
    estimator = spec.trainer.estimator
    name = estimator.algorithm if estimator else "the estimator"
    remedy = "raise max_iter" if scale != "None" else "raise max_iter, or scale numbers by features.numeric.scale"
    message = f"spec.trainer.estimator.params: {name} did not converge: {warning}; {remedy}"
    return Condition("Converged", False, "NotConverged", message, warning=True)


def _compared(status: TrainingRunStatus, better: bool) -> str:
    regression = METRICS[status.objective or ""].task == Task.REGRESSION
    constant = "the mean" if regression else "the most frequent class"
    verdict, advice = (
        ("better than", "")
        if better
        else (
            "no better than",
            "; the features may tell nothing of the target, or the algorithm does not suit them: try another one",
        )
    )
    return (
        f"{status.objective} {status.score} on the held-out rows is {verdict} the {status.baseline:.4g} of always "
        f"answering {constant}{advice}"
    )
