"""Scores one estimator by cross-validation, on the training rows alone."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from modelyard_api.fields.metrics import METRICS, Task
from modelyard_api.fields.trainer import Estimator, Features, FeatureSelection
from modelyard_api.kinds.sweep import SweepSpec
from modelyard_runtime.models import estimator, features, fitting, scoring
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.frames import Table


def folds(spec: SweepSpec, table: Table, kind: Task) -> list[np.ndarray]:
    """Returns for each fold a mask of the rows that are scored, the same in every trial. Raises UserError."""
    count, seed = spec.validation.folds, spec.validation.seed
    if kind == Task.CLASSIFICATION:
        fewest = int(np.unique(table.target.astype(str), return_counts=True)[1].min())
        if fewest < count:
            message = f"{count} folds, but a class has {fewest} training rows; write at most that, or bring more rows"
            raise UserError("TooFewRows", message, "spec.validation.folds")
        splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
    elif len(table.target) < count:
        message = f"{count} folds of {len(table.target)} training rows; write fewer, or bring more rows"
        raise UserError("TooFewRows", message, "spec.validation.folds")
    else:
        splitter = KFold(count, shuffle=True, random_state=seed)
    rows = np.arange(len(table.target))
    return [np.isin(rows, held) for _, held in splitter.split(rows, table.target)]


def prepare(spec: SweepSpec, table: Table, kind: Task) -> None:
    """Imports all that the trials need, once for all children. Raises UserError."""
    methods = [FeatureSelection(method=name, keep=1) for name in spec.search.features.select if name != "None"]
    for candidate in spec.search.candidates:
        for select in methods or [None]:
            model = estimator.make(Estimator(algorithm=str(candidate.algorithm)), spec.sampler.seed)
            features.pipeline(model, Features(select=select), table, kind, spec.sampler.seed)


def score(spec: SweepSpec, chosen: Estimator, table: Table, kind: Task, parts: list[np.ndarray]) -> float:
    """Returns the objective as the mean over the folds. Raises UserError.

    All that learns from rows, the selection of features too, learns from those of the fold alone.
    """
    return float(np.mean([_score(spec, chosen, table, kind, held) for held in parts]))


def _score(spec: SweepSpec, chosen: Estimator, table: Table, kind: Task, held: np.ndarray) -> float:
    training, test = table.where(~held), table.where(held)
    model = estimator.make(chosen, spec.sampler.seed)
    pipeline = features.pipeline(model, chosen.features, training, kind, spec.sampler.seed)
    fitting.fit(pipeline, training)
    needs = METRICS[spec.objective].needs_probabilities
    try:
        answers = pipeline.predict(test.matrix())
        probabilities = pipeline.predict_proba(test.matrix()) if needs and hasattr(pipeline, "predict_proba") else None
    except ValueError as error:
        raise UserError("PredictFailed", f"scikit-learn refuses to answer: {str(error).splitlines()[0]}") from error
    classes = list(pipeline.classes_) if kind == Task.CLASSIFICATION else []
    return scoring.score_one(spec.objective, test.target, answers, probabilities, classes)
