"""Checks the sketches of 100,000 predictions by real requests to two processes: they are within the error that the
sketches themselves state."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from modelyard_api.wire.sketches import Sketches, merge, read
from tests.unit.server import models
from tests.unit.server.conftest import running
from tests.unit.server.models import StoredModel
from tests.unit.server.serving import NAME, Served

ROWS, BATCH = 100_000, 500
TEXTS = ["city", "street"]
SKETCHES = f"/v2/models/{NAME}/sketches"


def table() -> pd.DataFrame:
    """Returns ten columns of many distributions, with missing values."""
    random = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "normal": random.normal(size=ROWS),
            "heavy": random.standard_cauchy(ROWS),
            "lognormal": random.lognormal(sigma=3, size=ROWS),
            "few": random.integers(0, 7, ROWS),
            "many": random.integers(0, 20_000, ROWS),
            "steps": np.round(random.normal(size=ROWS), 1),
            "sorted": np.arange(ROWS),
            "constant": np.full(ROWS, 3.5),
        }
    ).astype(np.float32)
    frame.loc[random.random(ROWS) < 0.1, "normal"] = np.nan
    frame["city"] = random.choice(["Oslo", "Bergen", "Tromsø", "", "Älesund"], ROWS, p=[0.5, 0.3, 0.1, 0.05, 0.05])
    frame["street"] = [f"street {number}" for number in random.zipf(1.3, ROWS) % 50_000]
    return frame


def model(folder: Path, frame: pd.DataFrame) -> StoredModel:
    train = frame[:500].copy()
    numbers = [name for name in train.columns if name not in TEXTS]
    target = (train["few"] > 3).astype(np.int64).to_numpy()
    steps = make_column_transformer(
        (SimpleImputer(strategy="median"), numbers),
        (OneHotEncoder(handle_unknown="ignore"), TEXTS),
    )
    pipeline = make_pipeline(steps, DecisionTreeClassifier(max_depth=4)).fit(train, target)
    types = [(name, (StringTensorType if name in TEXTS else FloatTensorType)([None, 1])) for name in train.columns]
    final = pipeline.steps[-1][1]
    onnx = to_onnx(pipeline, initial_types=types, target_opset=models.OPSET, options={id(final): {"zipmap": False}})
    inputs = [(name, "BYTES" if name in TEXTS else "FP32") for name in train.columns]
    outputs = [("label", "INT64", [-1]), ("probabilities", "FP32", [-1, 2])]
    known = {name: sorted(set(train[name]) - {""}) for name in TEXTS}
    return models._write(folder, onnx, "Columns", inputs, outputs, pipeline, train, known)


def ask(server: Served, rows: pd.DataFrame) -> tuple[list[int], list[list[float]]]:
    inputs = []
    for name in rows.columns:
        values = [None if value is None or value != value else value for value in rows[name].tolist()]
        datatype = "BYTES" if name in TEXTS else "FP32"
        inputs.append({"name": name, "datatype": datatype, "shape": [len(rows)], "data": values})
    status, body = server.infer({"inputs": inputs})
    assert status == 200, body
    label, probabilities = (output["data"] for output in body["outputs"])
    return label, probabilities


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Sketches]:
    """Returns the exact table of inputs and answers, and the merged sketches of both servers."""
    scratch = tmp_path_factory.mktemp("accuracy")
    exact = table()
    stored = model(scratch / "model", exact)
    labels: list[int] = []
    probabilities: list[float] = []
    with running(stored.folder, scratch) as first, running(stored.folder, scratch) as second:
        servers = [first, second]
        for index, start in enumerate(range(0, ROWS, BATCH)):
            label, probability = ask(servers[index % 2], exact[start : start + BATCH])
            labels += label
            probabilities += probability
        parts = [read(json.dumps(server.get(SKETCHES)[1]).encode()) for server in servers]
        assert [part.predictions for part in parts] == [ROWS // 2, ROWS // 2]
        windows = [read(json.dumps(server.get(SKETCHES + "?since=0")[1]).encode()) for server in servers]
        assert sum(window.predictions for window in windows) == ROWS
        for server in servers:
            assert server.metric("modelyard_server_rows_total") == ROWS // 2
    exact["label"] = labels
    exact[["probabilities[0]", "probabilities[1]"]] = np.array(probabilities, np.float32).reshape(-1, 2)
    return exact, merge(parts)


def test_every_prediction_is_counted(observed: tuple[pd.DataFrame, Sketches]) -> None:
    exact, sketches = observed
    assert sketches.predictions == ROWS
    assert {column.name for column in sketches.columns} == set(exact.columns)
    assert {column.count for column in sketches.columns} == {ROWS}
    for column in sketches.columns:
        values = exact[column.name]
        assert column.missing == int((values == "").sum() if column.kind == "Text" else values.isna().sum())
    city = sketches.column("city", "Input")
    assert city.unseen == 0
    street = sketches.column("street", "Input")
    assert street.unseen == int((~exact["street"].isin(set(exact["street"][:500]))).sum()) > 1000


def test_quantiles_are_within_the_stated_rank_error(observed: tuple[pd.DataFrame, Sketches]) -> None:
    exact, sketches = observed
    numbers = [column for column in sketches.columns if column.kind == "Number"]
    assert len(numbers) == 10
    ranks = np.linspace(0.01, 0.99, 25)
    for column in numbers:
        values = np.sort(exact[column.name].dropna().to_numpy())
        error = column.rank_error()
        assert error < 0.0135
        assert column.extremes() == (values[0], values[-1])
        for rank, value in zip(ranks, column.quantile_of(ranks.tolist()), strict=True):
            lower, upper = (np.searchsorted(values, value, side) / len(values) for side in ("left", "right"))
            assert lower - error <= rank <= upper + error, (column.name, rank, value)
            assert lower - error <= column.rank_of(value) <= upper + error, (column.name, value)


def test_distinct_counts_are_within_their_bounds(observed: tuple[pd.DataFrame, Sketches]) -> None:
    exact, sketches = observed
    for column in sketches.columns:
        values = exact[column.name]
        true = values[values != ""].nunique()
        estimate = column.distinct_count(deviations=3)
        assert estimate.lower <= true <= estimate.upper, (column.name, true, estimate)
        assert estimate.upper <= max(true * 1.2, true + 1), (column.name, true, estimate)


def test_frequent_items_are_within_their_bounds(observed: tuple[pd.DataFrame, Sketches]) -> None:
    exact, sketches = observed
    for name, role in (("city", "Input"), ("street", "Input"), ("label", "Output")):
        true = Counter(str(value) for value in exact[name] if value != "")
        items = sketches.column(name, "Input" if role == "Input" else "Output").frequent_items()
        for item in items:
            assert item.count.lower <= true[item.text] <= item.count.upper, item
        error = 3.5 / 512 * ROWS
        assert {text for text, number in true.items() if number > error} <= {item.text for item in items}
        assert all(item.count.upper - item.count.lower <= error for item in items)
    cities = sketches.column("city", "Input").frequent_items()
    assert {item.text: item.count.value for item in cities} == {
        text: number for text, number in Counter(exact["city"]).items() if text
    }, "few texts are counted exactly"
