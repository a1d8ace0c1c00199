"""Checks that numbers are scaled where the estimator needs it, in double precision, and that a doubt is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import all_estimators

from modelyard_api.fields.algorithms import PATHS, needs_scale
from modelyard_api.fields.trainer import NumericFeatures
from modelyard_api.wire.task import Data
from modelyard_runtime.models.features import scale_of
from tests.unit.runtime.memory import MemoryStore, data_of, run_ingest, run_train

NEED_NONE = ("Tree", "Forest", "Trees", "Boosting", "Boost")


@pytest.fixture(scope="module")
def unscaled(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryStore, dict[str, Data]]:
    """Returns a table with an id of 7 digits beside two small numbers, which alone tell the targets."""
    rng = np.random.default_rng(0)
    folder, store = tmp_path_factory.mktemp("unscaled"), MemoryStore()
    table = pd.DataFrame({"id": 1_000_000 + rng.permutation(5_000_000)[:400], "a": rng.integers(1, 9, 400)})
    table["b"] = rng.integers(1, 9, 400)
    table["kind"] = np.where(table.a + 1.3 * table.b > 9.9, "high", "low")
    table["noise"] = rng.permutation(table.kind.to_numpy())
    table["value"] = table.a + 1.3 * table.b
    versions = {}
    for target in ("kind", "noise", "value"):
        columns = ["id", "a", "b", target] if target != "noise" else ["id", "noise"]
        table[columns].to_csv(folder / f"{target}.csv", index=False)
        number = [{"name": "id", "type": "Integer"}]
        versions[target] = data_of(run_ingest(folder, f"{target}.csv", store, target=target, columns=number))
    return store, versions


CLASSIFIERS = ["LogisticRegression", "SGDClassifier", "KNeighborsClassifier", "SVC", "MLPClassifier", "GaussianNB"]


@pytest.mark.parametrize("algorithm", CLASSIFIERS)
def test_a_column_of_large_numbers_hides_no_other(unscaled: Any, algorithm: str) -> None:
    store, versions = unscaled
    result = run_train(store, versions["kind"], algorithm)
    assert result.metrics["balanced_accuracy"] > 0.8
    assert result.fit is not None
    assert result.fit.scale == "Standard"
    assert result.baseline == pytest.approx(0.5)


@pytest.mark.parametrize("algorithm", ["LinearRegression", "Ridge", "Lasso", "HuberRegressor", "KNeighborsRegressor"])
def test_regressors_too(unscaled: Any, algorithm: str) -> None:
    store, versions = unscaled
    result = run_train(store, versions["value"], algorithm, {"alpha": 0.01} if algorithm == "Lasso" else None)
    assert result.metrics["r2"] > 0.8
    assert result.baseline is not None
    assert result.baseline > 3 * result.metrics["root_mean_squared_error"]


def test_a_fit_is_in_double_precision_even_without_a_scale(unscaled: Any) -> None:
    store, versions = unscaled
    features = {"numeric": {"scale": "None"}}
    result = run_train(store, versions["value"], "LinearRegression", features=features)
    assert result.metrics["r2"] > 0.999999
    assert result.fit is not None
    assert result.fit.scale == "None"


def test_a_fit_that_did_not_converge_is_told(unscaled: Any) -> None:
    store, versions = unscaled
    fit = run_train(store, versions["kind"], "MLPClassifier", {"max_iter": 2}).fit
    assert fit is not None
    assert fit.converged is False
    assert "converged" in (fit.convergence_warning or "")
    fit = run_train(store, versions["kind"], "LogisticRegression").fit
    assert fit is not None
    assert (fit.converged, fit.convergence_warning) == (True, None)
    fit = run_train(store, versions["kind"], "HistGradientBoostingClassifier", {"max_iter": 5}).fit
    assert fit is not None
    assert (fit.converged, fit.scale) == (None, "None")


def test_the_baseline_is_that_of_the_objective(unscaled: Any) -> None:
    store, versions = unscaled
    results = {
        metric: run_train(store, versions["noise"], "DecisionTreeClassifier", {"max_depth": 1}, objective=metric)
        for metric in ("accuracy", "log_loss", "roc_auc")
    }
    baseline = {metric: result.baseline for metric, result in results.items()}
    assert baseline["roc_auc"] == pytest.approx(0.5)
    assert baseline["accuracy"] is not None
    assert 0.4 < baseline["accuracy"] < 0.7
    assert baseline["log_loss"] == pytest.approx(np.log(2), rel=0.1)


def test_every_algorithm_is_of_one_sort() -> None:
    """A new release's package of estimators must be judged here: whether it needs a scale."""
    for name, path in PATHS.items():
        assert needs_scale(path) != any(part in name for part in NEED_NONE), name
    judged = {"dummy", "ensemble", "feature_selection", "isotonic", "model_selection", "multiclass", "multioutput"}
    judged |= {"naive_bayes", "pipeline", "tree"}
    for type_filter in ("classifier", "regressor"):
        for name, kind in all_estimators(type_filter=type_filter):
            package = kind.__module__.split(".")[1]
            assert needs_scale(f"{kind.__module__}.{name}") or package in judged, f"{kind.__module__}.{name}"


@pytest.mark.parametrize(("written", "scale"), [("Auto", "Standard"), ("None", "None"), ("MinMax", "MinMax")])
def test_what_is_written_holds(written: Any, scale: str) -> None:
    from sklearn.linear_model import Ridge

    assert scale_of(NumericFeatures(scale=written), Ridge()) == scale


def test_counts_of_naive_bayes_are_left_as_they_are(tmp_path: Path) -> None:
    """Scaled numbers are negative too, which counts can't be."""
    table = pd.DataFrame({"a": [0, 5, 1, 6] * 30, "b": [7, 1, 6, 0] * 30, "y": ["l", "r"] * 60})
    table.to_csv(tmp_path / "t.csv", index=False)
    store = MemoryStore()
    data = data_of(run_ingest(tmp_path, "t.csv", store, target="y"))
    assert run_train(store, data, "sklearn.naive_bayes.MultinomialNB").metrics["accuracy"] == 1
