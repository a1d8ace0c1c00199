"""Checks what a training result reports: all metrics, the parameters, and the data and source it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard_api.fields.metrics import metrics_of
from modelyard_runtime.models.lineage import source_digest
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import MemoryStore, data_of, run_ingest, run_train, train_task


def table(folder: Path, classes: list[str], rows: int = 60) -> tuple[MemoryStore, Any]:
    lines = [f"{i % 7}.5,{i % 5},{classes[i % len(classes)]}" for i in range(rows)]
    (folder / "t.csv").write_text("a,b,y\n" + "\n".join(lines) + "\n")
    store = MemoryStore()
    return store, data_of(run_ingest(folder, "t.csv", store, target="y", split={"strategy": "Stratified"}))


def test_every_metric_is_scored_so_that_any_gate_can_name_it(tmp_path: Path) -> None:
    store, data = table(tmp_path, ["u", "v", "w"])
    result = run_train(store, data, "LogisticRegression", objective="f1_macro")
    assert list(result.metrics) == ["f1_macro", *(name for name in metrics_of("Classification") if name != "f1_macro")]
    labels_only = run_train(store, data, "sklearn.svm.LinearSVC")
    assert set(result.metrics) - set(labels_only.metrics) == {"roc_auc", "log_loss"}


def test_parameters_and_origin_are_kept(tmp_path: Path) -> None:
    store, data = table(tmp_path, ["u", "v"])
    params = {"hidden_layer_sizes": [4, 3], "max_iter": 5}
    result = run_train(store, data, "MLPClassifier", params)
    assert result.parameters["hidden_layer_sizes"] == [4, 3]
    assert result.parameters["beta_1"] == 0.9
    assert (result.dataset_version, result.dataset_digest, result.image) == ("d-1", data.digest, "i")


def test_the_source_is_another_one_with_another_seed_or_parameter(tmp_path: Path) -> None:
    _, data = table(tmp_path, ["u", "v"])
    task = train_task(data, "RandomForestClassifier", {"n_estimators": 5}, seed=1)
    others = [
        train_task(data, "RandomForestClassifier", {"n_estimators": 5}, seed=2),
        train_task(data, "RandomForestClassifier", {"n_estimators": 6}, seed=1),
    ]
    scored = train_task(data, "RandomForestClassifier", {"n_estimators": 5}, seed=1, objective="accuracy")
    assert len({source_digest(item) for item in (task, *others)}) == 3
    assert source_digest(scored) == source_digest(task)


@pytest.mark.parametrize("algorithm", ["KNeighborsClassifier", "KNeighborsRegressor"])
def test_more_neighbours_than_rows_are_refused(tmp_path: Path, algorithm: str) -> None:
    store, data = table(tmp_path, ["1", "2"])
    with pytest.raises(UserError) as caught:
        run_train(store, data, algorithm, {"n_neighbors": 49})
    assert "params.n_neighbors: 49 neighbours of 48 training rows" in caught.value.message


def test_a_class_of_held_out_rows_alone_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{i}.5,{'uv'[i % 2]}\n" for i in range(30)) + "3.5,rare\n"
    (tmp_path / "t.csv").write_text("a,y\n" + rows)
    for seed in range(50):
        store = MemoryStore()
        data = data_of(run_ingest(tmp_path, "t.csv", store, target="y", split={"seed": seed, "test": 0.3}))
        result = run_train(store, data, "LogisticRegression")
        if "rare" not in result.signature.classes:
            break
    assert "log_loss" not in result.metrics
    with pytest.raises(UserError) as caught:
        run_train(store, data, "LogisticRegression", additional_metrics=["log_loss"])
    assert caught.value.reason == "ScoreFailed"
    for word in ("log_loss", "'rare'", "spec.split.strategy"):
        assert word in caught.value.message
