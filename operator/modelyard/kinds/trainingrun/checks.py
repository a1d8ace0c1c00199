"""Checks of a TrainingRun's spec that need no pod."""

from __future__ import annotations

from modelyard.workload.conclude import Trouble
from modelyard_api.fields.algorithms import path_of, task_of
from modelyard_api.fields.base import MAX_LEVELS, levels
from modelyard_api.fields.metrics import METRICS, Task, metrics_of
from modelyard_api.kinds.trainingrun import TrainingRunSpec

DEFAULT_OBJECTIVE = {Task.CLASSIFICATION: "balanced_accuracy", Task.REGRESSION: "root_mean_squared_error"}


def check(spec: TrainingRunSpec, model_task: str | None) -> Trouble | None:
    """Returns the first error that makes the run impossible whatever the data holds, or None."""
    task = Task(model_task) if model_task else None
    estimator = spec.trainer.estimator
    script = spec.trainer.script
    if script and levels(script.parameters) > MAX_LEVELS:
        message = f"spec.trainer.script.parameters: more than {MAX_LEVELS} levels of lists and maps; write fewer"
        return Trouble("SpecTooDeep", message)
    if estimator:
        if levels(estimator.params) > MAX_LEVELS:
            message = f"spec.trainer.estimator.params: more than {MAX_LEVELS} levels of lists and maps; write fewer"
            return Trouble("SpecTooDeep", message)
        try:
            path_of(estimator.algorithm)
        except ValueError as error:
            return Trouble("UnknownAlgorithm", str(error))
        algorithm_task = task_of(estimator.algorithm)
        if algorithm_task and task and algorithm_task != task:
            return Trouble(
                "TaskMismatch",
                f"spec.trainer.estimator.algorithm: {estimator.algorithm} is for {algorithm_task}, but "
                f"spec.modelRef names a Model of task {task}; choose another algorithm or another Model",
            )
        task = task or algorithm_task
    metrics = [("spec.objective", spec.objective)] if spec.objective else []
    metrics += [(f"spec.additionalMetrics[{i}]", metric) for i, metric in enumerate(spec.additional_metrics)]
    if task is None and metrics:
        task = METRICS[metrics[0][1]].task
    for field, metric in metrics:
        if task and METRICS[metric].task != task:
            return Trouble(
                "MetricDoesNotFit",
                f"{field}: {metric} is not a metric of {task}; write one of {', '.join(metrics_of(task))}",
            )
    return None


def default_objective(spec: TrainingRunSpec, model_task: str | None) -> str | None:
    """Returns the objective as far as it is known without the data, or None."""
    task = model_task or (task_of(spec.trainer.estimator.algorithm) if spec.trainer.estimator else None)
    return spec.objective or (DEFAULT_OBJECTIVE[Task(task)] if task else None)
