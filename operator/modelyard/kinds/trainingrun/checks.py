"""What is known to be wrong before a pod is started."""

from __future__ import annotations

from modelyard.workload.failures import Trouble
from modelyard_api.fields.algorithms import path_of, task_of
from modelyard_api.fields.base import MAX_LEVELS, levels
from modelyard_api.fields.metrics import METRICS, Task, metrics_of
from modelyard_api.kinds.trainingrun import TrainingRunSpec

DEFAULT_OBJECTIVE = {Task.CLASSIFICATION: "balanced_accuracy", Task.REGRESSION: "root_mean_squared_error"}


def check(spec: TrainingRunSpec, model_task: str | None) -> Trouble | None:
    """The first thing that makes this run impossible, whatever the data holds."""
    task = Task(model_task) if model_task else None
    estimator = spec.trainer.estimator
    if estimator:
        if levels(estimator.params) > MAX_LEVELS:
            message = f"spec.trainer.estimator.params: more than {MAX_LEVELS} levels of lists and maps; write fewer"
            return Trouble("SpecTooDeep", message)
        try:
            path_of(estimator.algorithm)
        except ValueError as error:
            return Trouble("UnknownAlgorithm", str(error))
        fits = task_of(estimator.algorithm)
        if fits and task and fits != task:
            return Trouble(
                "TaskMismatch",
                f"spec.trainer.estimator.algorithm: {estimator.algorithm} is for {fits}, but spec.modelRef names a "
                f"Model of task {task}; choose another algorithm or another Model",
            )
        task = task or fits
    named = [("spec.objective", spec.objective)] if spec.objective else []
    named += [(f"spec.additionalMetrics[{i}]", metric) for i, metric in enumerate(spec.additional_metrics)]
    if task is None and named:
        task = METRICS[named[0][1]].task
    for field, metric in named:
        if task and METRICS[metric].task != task:
            return Trouble(
                "MetricDoesNotFit",
                f"{field}: {metric} is not a metric of {task}; write one of {', '.join(metrics_of(task))}",
            )
    return None


def default_objective(spec: TrainingRunSpec, model_task: str | None) -> str | None:
    """The metric that matters, as far as it is known before the data is."""
    task = model_task or (task_of(spec.trainer.estimator.algorithm) if spec.trainer.estimator else None)
    return spec.objective or (DEFAULT_OBJECTIVE[Task(task)] if task else None)
