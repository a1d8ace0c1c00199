"""Checks that every algorithm with a short name trains and is served, as ONNX or skops, with scikit-learn's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelyard_api.fields.algorithms import PATHS, TASKS
from modelyard_api.fields.metrics import Task
from modelyard_server import rest
from modelyard_server.load import load
from tests.unit.runtime.memory import MemoryStore
from tests.unit.server.trained import MIXED, NUMBERS, data_for, probe_rows, train_to

SMALL: dict[str, dict[str, Any]] = {
    "RandomForest": {"n_estimators": 8},
    "ExtraTrees": {"n_estimators": 8},
    "GradientBoosting": {"n_estimators": 8},
    "HistGradientBoosting": {"max_iter": 8},
    "AdaBoost": {"n_estimators": 8},
    "MLP": {"max_iter": 40},
    "SGDClassifier": {"loss": "log_loss"},
    "LogisticRegression": {"max_iter": 500},
}
# Linear discriminant analysis of two classes converts to other probabilities, and nearest neighbours convert to other
# answers if some neighbours are equally near.
NOT_ALWAYS_ONNX = {
    "LinearDiscriminantAnalysis": ["Skops"],
    "KNeighborsClassifier": ["ONNX", "Skops"],
    "KNeighborsRegressor": ["ONNX", "Skops"],
}


def small(algorithm: str) -> dict[str, Any]:
    return next((params for start, params in SMALL.items() if algorithm.startswith(start)), {})


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.mark.parametrize("columns", [NUMBERS, MIXED], ids=["numbers", "mixed"])
@pytest.mark.parametrize("algorithm", sorted(PATHS))
def test_it_is_trained_and_served(tmp_path: Path, store: MemoryStore, algorithm: str, columns: list[str]) -> None:
    target = "two" if TASKS[algorithm] == Task.CLASSIFICATION else "value"
    data = data_for(tmp_path, store, target, columns)
    trained = train_to(tmp_path / "model", store, data, algorithm, small(algorithm))
    formats = NOT_ALWAYS_ONNX.get(algorithm, ["ONNX"])
    assert trained.result.artifact_format in formats, trained.result.format_reason

    model = load(trained.folder)
    rows = probe_rows()[columns]
    request = rest.parse(trained.body(rows), model.manifest)
    answer = json.loads(rest.encode("m", "1", request, model.predict(request))[1])
    expected = trained.answers(rows)
    assert [output["name"] for output in answer["outputs"]] == list(expected)
    for output in answer["outputs"]:
        served = np.array(output["data"]).reshape(output["shape"])
        if output["datatype"] == "FP32":
            scale = max(1.0, np.abs(expected[output["name"]]).max())
            np.testing.assert_allclose(served, expected[output["name"]], rtol=1e-4, atol=1e-6 * scale)
        else:
            assert served.tolist() == expected[output["name"]].tolist()
