"""Checks estimators on a real table with categories and missing values: converted and proven equal, or refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_diabetes, load_iris

from modelyard_api.fields.artifact import MODEL_JSON, PROFILE_JSON
from modelyard_api.wire.sketches import read
from modelyard_api.wire.task import Data, EvaluateTask
from modelyard_runtime.commands.evaluate import evaluate
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore, data_of, run_ingest, run_train

EXAMPLES = Path(__file__).resolve().parents[3] / "manifests" / "examples" / "penguins"


@pytest.fixture(scope="module")
def penguins() -> tuple[MemoryStore, Data]:
    store = MemoryStore()
    split = {"test": 0.25, "strategy": "Stratified", "seed": 7}
    return store, data_of(
        run_ingest(EXAMPLES, "penguins-2009.csv", store, target="species", ignore=["year"], split=split)
    )


@pytest.fixture(scope="module")
def mass() -> tuple[MemoryStore, Data]:
    store = MemoryStore()
    return store, data_of(run_ingest(EXAMPLES, "penguins-2009.csv", store, target="body_mass_g", split={"test": 0.25}))


SCALED = {"numeric": {"scale": "Standard"}}
CLASSIFIERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("RandomForestClassifier", {"n_estimators": 20}, {}),
    ("RandomForestClassifier", {"n_estimators": 20}, SCALED),
    ("ExtraTreesClassifier", {"n_estimators": 20}, {"categorical": {"encode": "Ordinal"}}),
    ("GradientBoostingClassifier", {"n_estimators": 20}, {"numeric": {"impute": "Mean", "scale": "MinMax"}}),
    ("HistGradientBoostingClassifier", {"max_iter": 20}, {"categorical": {"encode": "Ordinal"}}),
    ("DecisionTreeClassifier", {}, {"numeric": {"impute": "MostFrequent"}}),
    ("LogisticRegression", {"max_iter": 500}, {**SCALED, "categorical": {"minFrequency": 0.2}}),
    ("KNeighborsClassifier", {}, SCALED),
    ("GaussianNB", {}, {}),
    ("LinearDiscriminantAnalysis", {}, {"exclude": ["island"]}),
    ("MLPClassifier", {"max_iter": 300}, SCALED),
    ("SGDClassifier", {"loss": "log_loss"}, {**SCALED, "select": {"method": "MutualInformation", "keep": 5}}),
    ("AdaBoostClassifier", {"n_estimators": 10}, {"select": {"method": "FTest", "keep": 4}}),
    ("sklearn.svm.LinearSVC", {}, SCALED),
]
REGRESSORS = [
    ("RandomForestRegressor", {"n_estimators": 20}, SCALED),
    ("GradientBoostingRegressor", {"n_estimators": 20}, {}),
    ("HistGradientBoostingRegressor", {"max_iter": 20}, {"categorical": {"encode": "Ordinal"}}),
    ("Ridge", {}, SCALED),
    ("KNeighborsRegressor", {}, SCALED),
    ("LinearRegression", {}, {}),
]


@pytest.mark.parametrize(("algorithm", "params", "features"), CLASSIFIERS)
def test_classifiers(penguins: Any, algorithm: str, params: Any, features: Any) -> None:
    store, data = penguins
    result = run_train(store, data, algorithm, params, features=features, seed=7)
    assert result.metrics["balanced_accuracy"] > 0.6
    manifest = json.loads(store.files[f"{result.artifact_uri}/{MODEL_JSON}"])
    assert manifest["layout"] == "Columns"
    assert result.signature.classes == ["Adelie", "Chinstrap", "Gentoo"]
    task = EvaluateTask(
        subject=SUBJECT, tracking_url=URL, base_uri=f"{STORE}/e", result_uri=f"{STORE}/e/r", data=data,
        artifact_uri=result.artifact_uri, artifact_digest=result.artifact_digest, task="Classification",
    )  # fmt: skip
    evaluated = evaluate(task, store)
    assert evaluated.metrics["balanced_accuracy"] == pytest.approx(result.metrics["balanced_accuracy"])
    assert evaluated.signature == result.signature


@pytest.mark.parametrize(("algorithm", "params", "features"), REGRESSORS)
def test_regressors(mass: Any, algorithm: str, params: Any, features: Any) -> None:
    store, data = mass
    result = run_train(store, data, algorithm, params, features=features, additional_metrics=["r2"])
    assert result.metrics["r2"] > 0.5
    assert result.signature.outputs[0].name == "value"


@pytest.mark.parametrize(
    ("load", "algorithm", "integers"),
    [(load_iris, "RandomForestClassifier", True), (load_diabetes, "Ridge", False)],
)
def test_numbers_alone_are_one_tensor(tmp_path: Path, load: Any, algorithm: str, integers: bool) -> None:
    frame = load(as_frame=True).frame
    frame.to_parquet(tmp_path / "t.parquet")
    store = MemoryStore()
    data = data_of(run_ingest(tmp_path, "t.parquet", store, target="target"))
    result = run_train(store, data, algorithm, features={"numeric": {"scale": "Standard"}})
    manifest = json.loads(store.files[f"{result.artifact_uri}/{MODEL_JSON}"])
    assert manifest["layout"] == "Tensor"
    assert len(result.signature.inputs) == len(frame.columns) - 1
    assert (result.signature.outputs[0].datatype == "INT64") == integers


TREE, HIST = "DecisionTreeClassifier", "HistGradientBoostingClassifier"


@pytest.mark.parametrize(
    ("algorithm", "params", "more", "reason", "says"),
    [
        (TREE, {"max_dept": 3}, {}, "UnknownParameter", ["max_dept", "max_depth"]),
        (TREE, {"max_depth": -1}, {}, "InvalidParameter", ["max_depth"]),
        (TREE, {}, {"features": {"exclude": ["nope"]}}, "UnknownColumn", ["exclude[0]", "nope", "island"]),
        (TREE, {}, {"objective": "r2"}, "MetricDoesNotFit", ["spec.objective", "balanced_accuracy"]),
        (TREE, {}, {"additional_metrics": ["r2"]}, "MetricDoesNotFit", ["spec.additionalMetrics[0]"]),
        (TREE, {}, {"task": "Regression"}, "TaskMismatch", ["Classification"]),
        ("Ridge", {}, {}, "TargetDoesNotFit", ["species", "Category"]),
        ("sklearn.tree.Nothing", {}, {}, "UnknownAlgorithm", ["Nothing"]),
        ("sklearn.semi_supervised.SelfTrainingClassifier", {}, {}, "UnknownAlgorithm", ["arguments"]),
        ("sklearn.preprocessing.StandardScaler", {}, {}, "UnknownAlgorithm", ["predict"]),
        ("sklearn.svm.LinearSVC", {}, {"objective": "log_loss"}, "MetricDoesNotFit", ["probabilities"]),
        (HIST, {"categorical_features": [0]}, {}, "InvalidParameter", ["categorical_features", "island, sex"]),
        (HIST, {"categorical_features": ["iland"]}, {}, "UnknownColumn", ["iland", "did you mean island"]),
        (HIST, {"categorical_features": ["island"]}, {}, "InvalidParameter", ["encode: Ordinal"]),
    ],
)
def test_bad_input(penguins: Any, algorithm: str, params: Any, more: Any, reason: str, says: list[str]) -> None:
    store, data = penguins
    with pytest.raises(UserError) as caught:
        run_train(store, data, algorithm, params, **more)
    assert caught.value.reason == reason, caught.value.message
    for word in says:
        assert word in caught.value.message
    assert "\n" not in caught.value.message


def test_the_same_inputs_give_the_same_bytes_in_fresh_processes() -> None:
    program = (
        "from tests.unit.runtime.memory import *; from pathlib import Path; s = MemoryStore();"
        f"d = data_of(run_ingest(Path({str(EXAMPLES)!r}), 'penguins-2009.csv', s, target='species'));"
        "forest = run_train(s, d, 'RandomForestClassifier', {'n_estimators': 5});"
        "scaled = run_train(s, d, 'LogisticRegression');"
        "print('digest', forest.artifact_digest, scaled.artifact_digest)"
    )
    root = Path(__file__).resolve().parents[3]
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        ).stdout.split("digest ")[1]
        for seed in ("1", "2", "3", "4")
    }  # fmt: skip
    assert len(digests) == 1


def test_a_tampered_artifact_is_refused(penguins: Any) -> None:
    store, data = penguins
    result = run_train(store, data, TREE)
    task = EvaluateTask(
        subject=SUBJECT, tracking_url=URL, base_uri=f"{STORE}/e", result_uri=f"{STORE}/e/r", data=data,
        artifact_uri=result.artifact_uri, artifact_digest=result.artifact_digest, task="Classification",
    )  # fmt: skip
    store.files[f"{result.artifact_uri}/model.onnx"] += b"x"
    with pytest.raises(UserError) as caught:
        evaluate(task, store)
    assert caught.value.reason == "DigestMismatch"


def test_the_answers_on_held_out_rows_are_profiled_as_a_server_would(penguins: tuple[MemoryStore, Data]) -> None:
    store, data = penguins
    result = run_train(store, data, "RandomForestClassifier", {"n_estimators": 20})
    sketches = read(store.files[f"{result.artifact_uri}/{PROFILE_JSON}"])
    species = ("Adelie", "Chinstrap", "Gentoo")
    expected = {"label": "Text", **{f"probabilities[{name}]": "Number" for name in species}}
    assert {column.name: column.kind for column in sketches.columns} == expected
    assert {column.role for column in sketches.columns} == {"Output"}
    label = sketches.column("label", "Output")
    assert label.count == sketches.predictions > 20
    assert {item.text for item in label.frequent_items()} == set(species)
