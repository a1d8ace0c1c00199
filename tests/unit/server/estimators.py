"""Trains estimators as a training run does, on numbers and categories with missing values; ONNX can't hold two."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from palmerpenguins import load_penguins

from modelyard_api.fields.artifact import FILES, MODEL_JSON, sha256
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Input
from modelyard_api.fields.trainer import Estimator
from modelyard_runtime.export.export import export
from modelyard_runtime.models import agreement, estimator, features, fitting, package
from modelyard_runtime.models.thresholds import round_down
from modelyard_runtime.tables.frames import Table
from modelyard_runtime.tables.intake import Intake
from tests.unit.runtime.memory import MemoryStore

SMALL = {"n_estimators": 20}
SHORT = {"max_iter": 50}
UNLIKE_ONNX = {"weights": "distance"}
"""Parameters whose conversion to ONNX gives other answers, so these models are stored as skops."""
ALGORITHMS: dict[str, dict[str, Any]] = {
    "LogisticRegression": {},
    "SVC": {},
    "RandomForestClassifier": SMALL,
    "ExtraTreesClassifier": SMALL,
    "GradientBoostingClassifier": SMALL,
    "HistGradientBoostingClassifier": {"max_iter": 20},
    "AdaBoostClassifier": SMALL,
    "DecisionTreeClassifier": {},
    "GaussianNB": {},
    "MLPClassifier": SHORT,
    "LinearDiscriminantAnalysis": {},
    "LinearRegression": {},
    "Lasso": {},
    "BayesianRidge": {},
    "RandomForestRegressor": SMALL,
    "ExtraTreesRegressor": SMALL,
    "GradientBoostingRegressor": SMALL,
    "HistGradientBoostingRegressor": {"max_iter": 20},
    "DecisionTreeRegressor": {},
    "MLPRegressor": SHORT,
    "KNeighborsClassifier": UNLIKE_ONNX,
    "KNeighborsRegressor": UNLIKE_ONNX,
}
NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]
TEXTS = ["island", "sex"]


@dataclass
class Trained:
    """``rows`` have missing numbers (NaN), missing texts ("") and categories that training never saw."""

    name: str
    pipeline: Any
    rows: pd.DataFrame

    def expected(self) -> dict[str, np.ndarray]:
        """Returns scikit-learn's own answers to ``rows``."""
        answers = self.pipeline.predict(self.rows)
        if not hasattr(self.pipeline, "classes_"):
            return {"value": answers}
        if not hasattr(self.pipeline, "predict_proba"):
            return {"label": answers}
        return {"label": answers, "probabilities": self.pipeline.predict_proba(self.rows)}


def train_all(folder: Path) -> list[Trained]:
    """Trains all ALGORITHMS and writes them as a repository of models, ``folder``/ALGORITHM/1."""
    table = load_penguins()
    for name in TEXTS:
        table[name] = table[name].fillna("").astype(object)
    table = table.astype(dict.fromkeys(NUMBERS, np.float32)).sample(frac=1.0, random_state=0)
    return [train(folder, algorithm, params, table) for algorithm, params in ALGORITHMS.items()]


def train(folder: Path, algorithm: str, params: dict[str, Any], table: pd.DataFrame) -> Trained:
    spec = Estimator.model_validate({"algorithm": algorithm, "params": params})
    model = estimator.make(spec, seed=0)
    task = estimator.task_of(model, None)
    target = "species" if task == Task.CLASSIFICATION else "body_mass_g"
    table = table[table[target].notna()]
    inputs = [Input(name=name, datatype="FP32" if name in NUMBERS else "BYTES") for name in NUMBERS + TEXTS]
    columns = table[NUMBERS + TEXTS]
    answers = table[target].astype(object if task == Task.CLASSIFICATION else np.float64).to_numpy()
    intake = Intake(inputs)
    training, test = Table(intake, columns, answers), Table(intake, columns[:40], answers[:40])
    pipeline = features.pipeline(model, spec.features, training, task, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns that so few iterations don't converge
        fitting.fit(pipeline, training)
        round_down(model)
        stored = export(pipeline, training, test, task, 0)
    assert stored.format == ("Skops" if params == UNLIKE_ONNX else "ONNX"), stored.reason
    rows = agreement.probes(test, 0)
    example = package.example(stored.session, rows)
    store = MemoryStore()
    categories = training.categories()
    uri, digest, _ = package.write(
        store, "b:", stored.data, task, stored.layout, stored.session, example, categories, stored.format
    )
    version_folder = folder / algorithm / "1"
    version_folder.mkdir(parents=True)
    for file in (MODEL_JSON, FILES[stored.format]):
        (version_folder / file).write_bytes(store.files[f"{uri}/{file}"])
    assert sha256(store.files[f"{uri}/{MODEL_JSON}"]) == digest
    return Trained(algorithm, pipeline, rows)
