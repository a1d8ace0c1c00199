"""Checks the proof that a converted model answers alike: rounding and ties pass it, another answer does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from modelyard_models import tolerance
from modelyard_runtime.models import agreement
from modelyard_runtime.tables.frames import Table
from tests.unit.runtime.memory import MemoryStore, data_of, run_ingest, run_train


def table(folder: Path, scale: float) -> tuple[MemoryStore, Table]:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 3))
    target = scale * (values @ [3.0, -2.0, 0.5])
    lines = [",".join(map(repr, map(float, (*row, y)))) for row, y in zip(values, target, strict=True)]
    (folder / "t.csv").write_text("a,b,c,y\n" + "\n".join(lines) + "\n")
    store = MemoryStore()
    return store, data_of(run_ingest(folder, "t.csv", store, target="y"))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e9])
@pytest.mark.parametrize("algorithm", ["Ridge", "RandomForestRegressor"])
def test_values_near_zero_agree_at_the_scale_of_the_target(tmp_path: Path, scale: float, algorithm: str) -> None:
    store, data = table(tmp_path, scale)
    assert run_train(store, data, algorithm).metrics["root_mean_squared_error"] < 5 * scale


def test_the_tolerance_is_relative_with_a_floor_at_the_scale() -> None:
    expected = np.array([1e9, 0.0, 1.0])
    assert tolerance.differences(expected + np.array([9e4, 900, 900]), expected).max() <= tolerance.RELATIVE
    for wrong in ([1.1e5, 0, 0], [0, 1100, 0], [np.nan, 0, 0]):
        assert not tolerance.differences(expected + np.array(wrong), expected).max() <= tolerance.RELATIVE


class Fixed:
    """A session or pipeline with fixed answers."""

    classes_ = np.array(["a", "b", "c"], dtype=object)

    def __init__(self, labels: str, probabilities: list[list[float]]) -> None:
        self.steps = [("estimator", DummyClassifier())]
        self.labels, self.probabilities = np.array(list(labels), dtype=object), np.array(probabilities)

    def tied(self, theirs: Fixed) -> tuple[list[bool], list[bool]]:
        tied, either = agreement._ties(self.labels, theirs.probabilities, self.classes_)
        return tied.tolist(), either.tolist()


def test_a_tie_may_go_to_any_of_the_tied_labels_but_to_no_other() -> None:
    probabilities = [[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.4, 0.39, 0.21]]
    assert Fixed("bca", probabilities).tied(Fixed("aaa", probabilities)) == ([True, True, False], [True, False, False])


def test_models_with_exact_ties_convert(tmp_path: Path) -> None:
    rows = [f"{x},{y}" for x in range(8) for y in "aabb"]
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(rows * 10) + "\n")
    store = MemoryStore()
    data = data_of(run_ingest(tmp_path, "t.csv", store, target="y", split={"strategy": "Stratified"}))
    for algorithm in ("DecisionTreeClassifier", "RandomForestClassifier", "LogisticRegression"):
        run_train(store, data, algorithm)


@pytest.mark.parametrize(
    ("params", "says"),
    [({}, "equally near"), ({"weights": "distance"}, "weights 'uniform' alone, not 'distance'")],
)
@pytest.mark.parametrize("algorithm", ["KNeighborsClassifier", "KNeighborsRegressor"])
def test_neighbours_that_can_not_be_converted_are_stored_as_skops_and_say_why(
    tmp_path: Path, algorithm: str, params: dict[str, Any], says: str
) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{a},{b},{t}{'.5' if algorithm.endswith('Regressor') else ''}" for a, b, t in rng.integers(0, 5, (300, 3))]
    (tmp_path / "t.csv").write_text("a,b,y\n" + "\n".join(rows) + "\n")
    store = MemoryStore()
    data = data_of(run_ingest(tmp_path, "t.csv", store, target="y"))
    result = run_train(store, data, algorithm, params)
    assert result.artifact_format == "Skops"
    assert says in str(result.format_reason)
