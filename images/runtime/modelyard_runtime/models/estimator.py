"""Creates the estimator that a spec names, with its parameters."""

from __future__ import annotations

import importlib
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_regressor

from modelyard_api.fields.algorithms import path_of
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.trainer import Estimator
from modelyard_runtime.pod.errors import UserError, one_of

FIELD = "spec.trainer.estimator"


def make(spec: Estimator, seed: int) -> BaseEstimator:
    """Returns the unfitted estimator. Raises UserError if the class or a parameter doesn't exist."""
    estimator = _class(spec.algorithm)()
    allowed = sorted(estimator.get_params(deep=False))
    for name in spec.params:
        if name not in allowed:
            raise UserError("UnknownParameter", one_of(name, allowed), f"{FIELD}.params")
    params: dict[str, Any] = dict(spec.params)
    if "random_state" in allowed and "random_state" not in params:
        params["random_state"] = seed
    return estimator.set_params(**params)


def _class(algorithm: str) -> type[BaseEstimator]:
    try:
        module, _, name = path_of(algorithm).rpartition(".")
    except ValueError as error:
        raise UserError("UnknownAlgorithm", str(error)) from error
    try:
        class_ = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        message = f"there is no {algorithm!r} in scikit-learn; correct the path"
        raise UserError("UnknownAlgorithm", message, f"{FIELD}.algorithm") from error
    predicts = isinstance(class_, type) and issubclass(class_, BaseEstimator) and hasattr(class_, "predict")
    if not predicts:
        message = f"{algorithm!r} is not an estimator that predicts; choose a classifier or a regressor"
        raise UserError("UnknownAlgorithm", message, f"{FIELD}.algorithm")
    try:
        is_classifier(class_())
    except (TypeError, AttributeError) as error:  # AttributeError: a class whose default estimator is None
        message = f"{algorithm!r} needs arguments that can't be written here: {error}"
        raise UserError("UnknownAlgorithm", message, f"{FIELD}.algorithm") from error
    return class_


def task_of(estimator: BaseEstimator, model_task: Task | None) -> Task:
    """Returns the estimator's task. Raises UserError if it has none, or the Model has another."""
    task = Task.CLASSIFICATION if is_classifier(estimator) else Task.REGRESSION if is_regressor(estimator) else None
    name = type(estimator).__name__
    if task is None:
        message = f"{name} neither classifies nor regresses; choose an estimator that does"
        raise UserError("UnknownAlgorithm", message, f"{FIELD}.algorithm")
    if model_task is not None and model_task != task:
        message = f"{name} is for {task}, the Model is of task {model_task}; choose another algorithm or Model"
        raise UserError("TaskMismatch", message, f"{FIELD}.algorithm")
    return task
