"""Conditions that doubt a trained model: the estimator did not converge, or the model is no better than a constant."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.engine.conditions import Condition
from modelyard.workload.baseline import constant_of, is_worthless
from modelyard_api.fields.metrics import METRICS
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
        better = not is_no_better(status)
        reason = "BetterThanBaseline" if better else "NoBetterThanBaseline"
        yield Condition("BetterThanBaseline", better, reason, _compared(status, better), warning=not better)


def is_no_better(status: TrainingRunStatus) -> bool:
    return is_worthless(status.objective, status.metrics, status.baseline)


def _not_converged(spec: TrainingRunSpec, warning: str | None, scale: str | None) -> Condition:
    estimator = spec.trainer.estimator
    name = estimator.algorithm if estimator else "the estimator"
    remedy = "raise max_iter" if scale != "None" else "raise max_iter, or scale numbers by features.numeric.scale"
    message = f"spec.trainer.estimator.params: {name} did not converge: {warning}; {remedy}"
    return Condition("Converged", False, "NotConverged", message, warning=True)


def _compared(status: TrainingRunStatus, better: bool) -> str:
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
        f"answering {constant_of(status.objective or '')}{advice}"
    )
