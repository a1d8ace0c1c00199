"""Scores the answer that needs no features, which every useful model must beat."""

from __future__ import annotations

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor

from modelyard_api.fields.metrics import Task
from modelyard_runtime.models import scoring
from modelyard_runtime.pod.errors import UserError


def baseline(objective: str, task: Task, training: np.ndarray, truth: np.ndarray) -> float | None:
    """Returns the objective of scikit-learn's dummy on the held-out rows, or None if it can't be computed.

    The dummy always answers the most frequent class of ``training``, with the shares of the classes as probabilities,
    or the mean. ``training`` and ``truth`` are the targets of both parts, of shape (rows,).
    """
    dummy = DummyClassifier(strategy="prior") if task == Task.CLASSIFICATION else DummyRegressor(strategy="mean")
    dummy.fit(np.zeros((len(training), 1)), training)
    rows = np.zeros((len(truth), 1))
    probabilities = dummy.predict_proba(rows) if task == Task.CLASSIFICATION else None
    classes = dummy.classes_.tolist() if task == Task.CLASSIFICATION else []
    try:
        return scoring.score_one(objective, truth, dummy.predict(rows), probabilities, classes)
    except UserError:
        return None
