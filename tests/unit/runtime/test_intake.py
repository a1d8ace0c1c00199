"""Checks how columns become features: times, large numbers, and what is never one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from modelyard_api.fields.artifact import MODEL_JSON
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import Data
from modelyard_runtime.models import features, package
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.intake import offset_of
from modelyard_server import rest
from modelyard_server.load import load
from modelyard_server.tensors import BadRequest
from tests.unit.runtime.memory import MemoryStore, lay_down, run_train
from tests.unit.runtime.typed import laid

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 200


def manifest_of(store: MemoryStore, result: TrainResult) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(store.files[f"{result.artifact_uri}/{MODEL_JSON}"])
    return document


def answers(store: MemoryStore, result: TrainResult, folder: Path, **inputs: tuple[str, list[Any]]) -> Any:
    """Asks the server's model as a REST request does; returns output name -> values."""
    model = load(lay_down(store, result, folder))
    tensors = [
        {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}
        for name, (datatype, values) in inputs.items()
    ]
    request = rest.parse(json.dumps({"inputs": tensors}).encode(), model.manifest)
    return {output.name: array.tolist() for output, array in zip(request.outputs, model.predict(request), strict=True)}


def weekends(store: MemoryStore, **known: Any) -> Data:
    """Returns a version whose target is whether a time is at a weekend in Berlin."""
    times = [START + timedelta(hours=7 * index) for index in range(ROWS)]
    weekend = [str((time + timedelta(hours=1)).weekday() >= 5) for time in times]
    table = pa.table({"at": pa.array(times, pa.timestamp("us", "UTC")), "weekend": weekend})
    return laid(store, table, "weekend", {"at": {"type": "Timestamp", **known}, "weekend": "Category"})


def test_a_model_learns_from_the_parts_of_a_time(tmp_path: Path) -> None:
    store = MemoryStore()
    data = weekends(store, format="%d.%m.%Y %H:%M", timeZone="Europe/Berlin")
    result = run_train(store, data, "DecisionTreeClassifier")
    assert result.metrics["accuracy"] == 1.0
    assert result.artifact_format == "ONNX"
    (item,) = result.signature.inputs
    assert item.wire() == {
        "name": "at",
        "datatype": "BYTES",
        "type": "Timestamp",
        "format": "%d.%m.%Y %H:%M",
        "timeZone": "Europe/Berlin",
    }
    parts = {feature["name"]: feature for feature in manifest_of(store, result)["features"]}
    assert list(parts) == ["at.days", "at.month", "at.day", "at.weekday", "at.hour"]
    assert parts["at.days"]["offset"] == 9526.0
    # Saturday begins in Berlin while it is Friday in UTC.
    texts = ["2026-03-06T22:30:00Z", "2026-03-06T23:30:00Z", "07.03.2026 00:30", " 09.03.2026 00:01 ", None]
    labels = answers(store, result, tmp_path / "m", at=("BYTES", texts))["label"]
    assert labels[:4] == ["False", "True", "True", "False"]


def test_parts_that_are_always_the_same_are_no_features() -> None:
    store = MemoryStore()
    days = pa.array([START + timedelta(days=index % 28) for index in range(ROWS)], pa.timestamp("us", "UTC"))
    table = pa.table({"on": days, "y": [index % 28 / 2 for index in range(ROWS)]})
    result = run_train(store, laid(store, table, "y", {"on": "Timestamp", "y": "Float"}), "Ridge")
    features = [feature["name"] for feature in manifest_of(store, result)["features"]]
    assert features == ["on.days", "on.day", "on.weekday"]
    assert result.metrics["r2"] > 0.9


def test_a_text_that_is_no_time_is_refused_with_what_is_allowed(tmp_path: Path) -> None:
    store = MemoryStore()
    result = run_train(store, weekends(store, format="%d.%m.%Y"), "DecisionTreeClassifier")
    message = (
        "input 'at': element 1 is \"soon\": a Timestamp is of the format '%d.%m.%Y', or a text of ISO 8601, such as "
        "2026-03-01T14:30:00Z, and null for missing"
    )
    with pytest.raises(BadRequest) as caught:
        answers(store, result, tmp_path / "m", at=("BYTES", ["01.02.2026", "soon"]))
    assert str(caught.value) == message
    with pytest.raises(BadRequest, match=r'datatype "INT64": a Timestamp is of the format .*, as BYTES'):
        answers(store, result, tmp_path / "n", at=("INT64", [1]))


@pytest.mark.parametrize(
    ("values", "offset"),
    [
        ([1, 2, 3], 0),
        ([16_000_000, 16_000_001], 0),
        ([1_767_225_600_000, 1_767_225_600_100], 1_767_225_600_050),
        ([-(2.0**40), 2.0**40], 0),
        ([5_412_345.5, 5_412_346.5], 5_412_346),
        ([273.15, 310.5], 0),
        ([2.0**40], 0),
        ([], 0),
        ([np.nan, 1.0], 0),
    ],
)
def test_an_offset_is_taken_where_single_precision_would_lose_values(values: list[float], offset: float) -> None:
    assert offset_of(np.array(values, dtype=np.float64)) == offset


@pytest.mark.parametrize("algorithm", ["LogisticRegression", "HistGradientBoostingClassifier", "KNeighborsClassifier"])
def test_numbers_that_differ_in_their_last_digits_are_told_apart(tmp_path: Path, algorithm: str) -> None:
    store, first = MemoryStore(), 1_767_225_600_000
    at = [first + index * 10 for index in range(ROWS)]
    table = pa.table(
        {"at": at, "other": [index % 7 for index in range(ROWS)], "y": [f"{index >= 100}" for index in range(ROWS)]}
    )
    data = laid(store, table, "y", {"at": "Integer", "other": "Integer", "y": "Category"})
    result = run_train(store, data, algorithm)
    assert result.metrics["accuracy"] > 0.97
    asked = answers(store, result, tmp_path / "m", at=("INT64", [first + 5, first + 1995]), other=("FP32", [1, 2]))
    assert asked["label"] == ["False", "True"]


def test_a_matrix_is_asked_with_the_numbers_themselves(tmp_path: Path) -> None:
    store, first = MemoryStore(), 1_767_225_600_000
    table = pa.table(
        {
            "at": [first + i for i in range(ROWS)],
            "b": [i % 2 == 0 for i in range(ROWS)],
            "y": [float(i) for i in range(ROWS)],
        }
    )
    result = run_train(store, laid(store, table, "y", {"at": "Integer", "b": "Boolean", "y": "Float"}), "Ridge")
    model = load(lay_down(store, result, tmp_path / "m"))
    body = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [first + 10, 1, first + 150, True]}]}
    request = rest.parse(json.dumps(body).encode(), model.manifest)
    (values,) = model.predict(request)
    assert values.tolist() == pytest.approx([10, 150], abs=2)
    assert rest.metadata("m", ["1"], model.manifest)["inputs"][0]["datatype"] == "FP64"


def test_free_text_identifiers_and_keys_are_no_features() -> None:
    store = MemoryStore()
    names = ("note", "id", "order", "size")
    columns: dict[str, Any] = {name: [f"{name} {index}" for index in range(ROWS)] for name in names[:3]}
    columns |= {"size": [float(index) for index in range(ROWS)], "y": [f"{index >= 100}" for index in range(ROWS)]}
    types = {"note": "Text", "id": "Identifier", "order": "Category", "size": "Float", "y": "Category"}
    data = laid(store, pa.table(columns), "y", types, key=["order"])
    result = run_train(store, data, "DecisionTreeClassifier", features={"exclude": ["note"]})
    assert [item.name for item in result.signature.inputs] == ["size"]
    assert result.left_out == ["note (Text)", "id (Identifier)", "order (key)"]
    without = data.model_copy(update={"columns": [item for item in data.columns if item.name != "size"]})
    with pytest.raises(UserError, match="free text, identifiers and keys are no features: note") as caught:
        run_train(store, without, "DecisionTreeClassifier")
    assert caught.value.reason == "NoFeatures"


@pytest.mark.parametrize(
    ("type_", "values", "algorithm", "message"),
    [
        ("Integer", range(1500), "LogisticRegression", "is of type Integer and has 1200 different values"),
        ("Float", [index / 8 for index in range(1500)], "GaussianNB", "1200 different values.*regress, or"),
        ("Float", [index % 9 / 8 for index in range(90)], "GaussianNB", "values such as 0.125"),
        ("Category", [f"{index},5" for index in range(90)], "Ridge", "look like '1,5': if these are numbers, say how"),
        ("Category", [f"red {index}" for index in "abcdef" * 9], "Ridge", "look like 'red b': choose a classifier"),
    ],
)
def test_a_target_that_does_not_fit_is_told_before_the_fit(
    type_: str, values: Any, algorithm: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    table = pa.table({"x": [float(index) for index in range(len(values))], "y": list(values)})
    monkeypatch.setattr(features, "pipeline", None)
    with pytest.raises(UserError, match=message) as caught:
        run_train(store, laid(store, table, "y", {"x": "Float", "y": type_}), algorithm)
    assert caught.value.reason == "TargetDoesNotFit"


def test_whole_numbers_are_classes_however_they_are_stored() -> None:
    store = MemoryStore()
    labels = []
    for type_, values in (("Float", [0.0, 1.0] * 50), ("Integer", [0, 1] * 50)):
        table = pa.table({"x": [float(index % 2) for index in range(100)], "y": values})
        result = run_train(store, laid(store, table, "y", {"x": "Float", "y": type_}), "DecisionTreeClassifier")
        labels.append((result.signature.classes, result.signature.outputs[0].datatype))
    assert labels == [(["0", "1"], "INT64")] * 2


@pytest.mark.parametrize("least", ["memory", "categories"])
def test_more_categories_than_can_be_columns_are_refused(least: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    table = pa.table({"note": [f"n{index}" for index in range(ROWS)], "y": ["a", "b"] * (ROWS // 2)})
    data = laid(store, table, "y", {"note": "Category", "y": "Category"})
    if least == "memory":
        monkeypatch.setattr(features.memory, "limit", lambda: 2**19)
    else:
        monkeypatch.setattr(features, "MOST_CATEGORIES", 100)
    with pytest.raises(
        UserError, match=r"column 'note' has 160 different texts.*declare it Text or Identifier"
    ) as caught:
        run_train(store, data, "LogisticRegression")
    assert caught.value.reason == "TooManyCategories"
    assert run_train(store, data, "DecisionTreeClassifier", features={"categorical": {"encode": "Ordinal"}})


def test_a_model_is_read_again_as_it_was_written() -> None:
    store = MemoryStore()
    result = run_train(store, weekends(store), "RandomForestClassifier", {"n_estimators": 5})
    manifest, session, _ = package.read(store, result.artifact_uri, result.artifact_digest)
    package.check_example(manifest, session)
    assert next(item.name for item in session.intake.columns) == "at.days"
