"""The goal of the sketches: what 100,000 predictions by real requests to two processes were, within the error that
the sketches themselves state."""

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
from tests.unit.server.models import Made
from tests.unit.server.serving import NAME, Served

ROWS, BATCH = 100_000, 500
TEXTS = ["city", "street"]
SKETCHES = f"/v2/models/{NAME}/sketches"


def table() -> pd.DataFrame:
    """Ten columns of many distributions, with missing values."""
    random = np.random.default_rng(11)
    made = pd.DataFrame(
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
    made.loc[random.random(ROWS) < 0.1, "normal"] = np.nan
    made["city"] = random.choice(["Oslo", "Bergen", "Tromsø", "", "Älesund"], ROWS, p=[0.5, 0.3, 0.1, 0.05, 0.05])
    made["street"] = [f"street {number}" for number in random.zipf(1.3, ROWS) % 50_000]
    return made


def model(folder: Path, whole: pd.DataFrame) -> Made:
    train = whole[:500].copy()
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
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Sketches]:
    """What was asked and answered, exactly; and the merged sketches of both servers."""
    scratch = tmp_path_factory.mktemp("accuracy")
    whole = table()
    made = model(scratch / "model", whole)
    labels: list[int] = []
    probabilities: list[float] = []
    with running(made.folder, scratch) as one, running(made.folder, scratch) as two:
        servers = [one, two]
        for index, start in enumerate(range(0, ROWS, BATCH)):
            label, probability = ask(servers[index % 2], whole[start : start + BATCH])
            labels += label
            probabilities += probability
        parts = [read(json.dumps(server.get(SKETCHES)[1]).encode()) for server in servers]
        assert [part.predictions for part in parts] == [ROWS // 2, ROWS // 2]
        windows = [read(json.dumps(server.get(SKETCHES + "?since=0")[1]).encode()) for server in servers]
        assert sum(window.predictions for window in windows) == ROWS
        for server in servers:
            assert server.metric("modelyard_server_rows_total") == ROWS // 2
    whole["label"] = labels
    whole[["probabilities[0]", "probabilities[1]"]] = np.array(probabilities, np.float32).reshape(-1, 2)
    return whole, merge(parts)


def test_every_prediction_is_counted(seen: tuple[pd.DataFrame, Sketches]) -> None:
    exact, found = seen
    assert found.predictions == ROWS
    assert {column.name for column in found.columns} == set(exact.columns)
    assert {column.count for column in found.columns} == {ROWS}
    for column in found.columns:
        values = exact[column.name]
        assert column.missing == int((values == "").sum() if column.kind == "Text" else values.isna().sum())
    city = found.column("city", "Input")
    assert city.unseen == 0
    street = found.column("street", "Input")
    assert street.unseen == int((~exact["street"].isin(set(exact["street"][:500]))).sum()) > 1000


def test_quantiles_are_within_the_stated_rank_error(seen: tuple[pd.DataFrame, Sketches]) -> None:
    exact, found = seen
    numbers = [column for column in found.columns if column.kind == "Number"]
    assert len(numbers) == 10
    asked = np.linspace(0.01, 0.99, 25)
    for column in numbers:
        values = np.sort(exact[column.name].dropna().to_numpy())
        error = column.rank_error()
        assert error < 0.0135
        assert column.extremes() == (values[0], values[-1])
        for rank, value in zip(asked, column.quantile_of(asked.tolist()), strict=True):
            least, most = (np.searchsorted(values, value, side) / len(values) for side in ("left", "right"))
            assert least - error <= rank <= most + error, (column.name, rank, value)
            assert least - error <= column.rank_of(value) <= most + error, (column.name, value)


def test_distinct_counts_are_within_their_bounds(seen: tuple[pd.DataFrame, Sketches]) -> None:
    exact, found = seen
    for column in found.columns:
        values = exact[column.name]
        true = values[values != ""].nunique()
        estimate = column.distinct_count(deviations=3)
        assert estimate.lower <= true <= estimate.upper, (column.name, true, estimate)
        assert estimate.upper <= max(true * 1.2, true + 1), (column.name, true, estimate)


def test_frequent_items_are_within_their_bounds(seen: tuple[pd.DataFrame, Sketches]) -> None:
    exact, found = seen
    for name, role in (("city", "Input"), ("street", "Input"), ("label", "Output")):
        true = Counter(str(value) for value in exact[name] if value != "")
        items = found.column(name, "Input" if role == "Input" else "Output").frequent_items()
        for item in items:
            assert item.count.lower <= true[item.text] <= item.count.upper, item
        error = 3.5 / 512 * ROWS
        assert {text for text, number in true.items() if number > error} <= {item.text for item in items}
        assert all(item.count.upper - item.count.lower <= error for item in items)
    cities = found.column("city", "Input").frequent_items()
    assert {item.text: item.count.value for item in cities} == {
        text: number for text, number in Counter(exact["city"]).items() if text
    }, "few texts are counted exactly"
