"""Checks batch predictions: the online server's answers row by row, what is kept, and rows that can't be scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_api.fields.signature import Input
from modelyard_api.kinds.batchprediction import BadRow
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.wire.result import PredictResult, TrainResult
from modelyard_api.wire.task import Data, PredictTask
from modelyard_models.tolerance import are_same
from modelyard_runtime.commands.predict import predict
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables import files
from modelyard_runtime.tables.given import given_of
from modelyard_server import rest
from modelyard_server.load import load
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore, data_of, lay_down, run_ingest, run_train
from tests.unit.runtime.test_train import EXAMPLES

MODELS: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    ("species", "RandomForestClassifier", {"n_estimators": 20}, {}, "ONNX"),
    ("species", "LogisticRegression", {}, {"exclude": ["island", "sex"]}, "ONNX"),
    ("species", "KNeighborsClassifier", {"weights": "distance"}, {"numeric": {"scale": "Standard"}}, "Skops"),
    ("body_mass_g", "Ridge", {}, {}, "ONNX"),
    ("body_mass_g", "KNeighborsRegressor", {"weights": "distance"}, {"numeric": {"scale": "Standard"}}, "Skops"),
]


def trained(store: MemoryStore, target: str, algorithm: str, params: Any = None, features: Any = None) -> TrainResult:
    split = {"test": 0.25, "seed": 7}
    table = run_ingest(EXAMPLES, "penguins-2009.csv", store, target=target, ignore=["year"], split=split)
    return run_train(store, data_of(table), algorithm, params, features=features or {})


def run_predict(store: MemoryStore, model: TrainResult, data: Data, output: Any = None, **more: Any) -> PredictResult:
    task = PredictTask(
        subject=SUBJECT,
        tracking_url=URL,
        base_uri=f"{STORE}/p",
        result_uri=f"{STORE}/p/result.json",
        data=data,
        model_version="m-v1",
        artifact_uri=model.artifact_uri,
        artifact_digest=model.artifact_digest,
        output=DatasetSpec.model_validate({"source": {"pushed": {}}, **(output or {})}),
        dataset="scored",
        image="i",
        **more,
    )
    return predict(task, store)


@pytest.mark.parametrize("value", ["a" * 500, "\x01" * 500, "\U000e0001" * 500, "\\" * 500, "'" * 300 + '"' * 300])
def test_why_a_row_is_bad_fits_into_a_status_whatever_it_holds(value: str) -> None:
    _, bad = given_of(pa.record_batch({"x": [value]}), [Input(name="x", datatype="FP32")], (), ())
    ((column, reason),) = bad.values()
    assert BadRow(row=1, column=column, reason=reason).reason.endswith(" is no number")


def table_of(store: MemoryStore, uri: str, part: str = "train") -> pa.Table:
    return pq.read_table(pa.BufferReader(store.files[f"{uri}/{part}.parquet"]))


def small(tmp_path: Path, store: MemoryStore, text: str, **spec: Any) -> Data:
    (tmp_path / "t.csv").write_text(text)
    return data_of(run_ingest(tmp_path, "t.csv", store, **spec))


@pytest.mark.parametrize(("target", "algorithm", "params", "features", "format_"), MODELS)
def test_answers_are_the_online_servers_row_by_row(
    tmp_path: Path, target: str, algorithm: str, params: Any, features: Any, format_: str
) -> None:
    store = MemoryStore()
    model = trained(store, target, algorithm, params, features)
    assert model.artifact_format == format_
    data = data_of(run_ingest(EXAMPLES, "penguins-2009.csv", store))
    result = run_predict(store, model, data)
    server, answers = load(lay_down(store, model, tmp_path / "model")), table_of(store, result.uri)
    rows = table_of(store, data.uri).to_pylist()
    assert (result.rows, result.bad_rows, len(answers)) == (len(rows), 0, len(rows))
    for row, answer in zip(rows, answers.to_pylist(), strict=True):
        inputs = [
            {"name": item.name, "datatype": item.datatype, "shape": [1], "data": [row[item.name]]}
            for item in model.signature.inputs
        ]
        online = server.predict(rest.parse(json.dumps({"inputs": inputs}).encode(), server.manifest))
        if target == "species":
            label, probabilities = online
            assert answer["label"] == label[0]
            batch = [answer[f"probability_{name}"] for name in model.signature.classes]
            assert are_same(probabilities, [batch])
        else:
            assert are_same(online[0], [answer["value"]])


def test_columns_that_are_kept_stand_beside_the_answers_and_rows_keep_their_order(tmp_path: Path) -> None:
    store = MemoryStore()
    model = trained(store, "species", "LogisticRegression", features={"exclude": ["island", "sex"]})
    whole = run_ingest(EXAMPLES, "penguins-2009.csv", store, target="species", split={"test": 0.25, "seed": 3})
    result = run_predict(store, model, data_of(whole), keep=["year", "species"])
    answers = table_of(store, result.uri)
    assert answers.column_names[:3] == ["year", "species", "label"]
    parts = [table_of(store, whole.uri, part)["species"].to_pylist() for part in ("train", "test")]
    assert answers["species"].to_pylist() == [*parts[0], *parts[1]], "training rows first, then those held out"
    assert (result.target, result.test_rows, result.profile) == (None, 0, True)
    assert f"{result.uri}/profile.json" in store.files


def test_many_batches_make_the_same_version(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    model = trained(store, "species", "RandomForestClassifier", {"n_estimators": 5})
    data = data_of(run_ingest(EXAMPLES, "penguins-2009.csv", store))
    first = run_predict(store, model, data, keep=["island"])
    monkeypatch.setattr(files, "ROWS", 7)
    second = run_predict(store, model, data, keep=["island"])
    assert (first.version_id, first.digest) == (second.version_id, second.digest)
    assert table_of(store, second.uri).num_rows == first.rows


def test_a_pushed_table_is_the_version_that_reading_it_would_make(tmp_path: Path) -> None:
    """The digest is of the content, and so are the split, the rules and what was found in the columns."""
    store = MemoryStore()
    model = trained(store, "species", "RandomForestClassifier", {"n_estimators": 5})
    data = data_of(run_ingest(EXAMPLES, "penguins-2009.csv", store))
    spec = {
        "target": "label",
        "columns": [{"name": "island", "type": "Category", "values": ["Biscoe", "Dream"]}],
        "split": {"test": 0.3, "strategy": "Stratified", "seed": 5},
    }
    pushed = run_predict(store, model, data, spec, keep=["island", "body_mass_g"])
    assert not pushed.accepted
    assert pushed.violations[0].column == "island"
    whole = pa.concat_tables(
        table_of(store, run_predict(store, model, data, keep=["island", "body_mass_g"]).uri, part)
        for part in ("train", "test")
    )
    pq.write_table(whole, tmp_path / "t.parquet")
    read = run_ingest(tmp_path, "t.parquet", store, **spec)
    same = ("version_id", "digest", "rows", "test_rows", "columns", "accepted")
    assert [getattr(pushed, name) for name in same] == [getattr(read, name) for name in same]
    assert [item.model_copy(update={"file": None}) for item in read.violations] == pushed.violations
    for part in ("train", "test"):
        assert table_of(store, pushed.uri, part).equals(table_of(store, read.uri, part))


ROWS = "bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,id\n"
GOOD = "39.1,18.7,181,3750,a\n"
NUMBERS = {"exclude": ["island", "sex"]}


def test_rows_that_cannot_be_scored_are_left_out_and_named(tmp_path: Path) -> None:
    store = MemoryStore()
    model = trained(store, "species", "LogisticRegression", features=NUMBERS)
    text = ROWS + GOOD + "about 40,18.7,181,3750,b\n" + GOOD + ",,,,d\n" + "39.1,18.7,n.a.,3750,e\n"
    data = small(tmp_path, store, text)
    result = run_predict(store, model, data, keep=["id"], max_bad_rows=2)
    assert (result.rows, result.bad_rows) == (3, 2)
    assert [(bad.row, bad.column, bad.reason) for bad in result.bad_examples] == [
        (2, "bill_length_mm", "'about 40' is no number"),
        (5, "flipper_length_mm", "'n.a.' is no number"),
    ]
    answers = table_of(store, result.uri)
    assert answers["id"].to_pylist() == ["a", "a", "d"], "a row whose values are all missing is answered"
    says = r"2 of the first 5 rows can't be scored, at most 1 are allowed: row 2: column"
    with pytest.raises(UserError, match=says) as refused:
        run_predict(store, model, data, max_bad_rows=1)
    assert (refused.value.reason, refused.value.field) == ("TooManyBadRows", "spec.maxBadRows")


def test_no_row_that_can_be_scored_is_said() -> None:
    store = MemoryStore()
    model = trained(store, "species", "LogisticRegression", features=NUMBERS)
    data = data_of(run_ingest(EXAMPLES, "penguins-2009.csv", store))
    altered = data.model_copy(update={"uri": f"{STORE}/texts"})
    table = table_of(store, data.uri)
    index = table.column_names.index("bill_length_mm")
    texts = table.set_column(index, "bill_length_mm", pa.array(["x"] * len(table)))
    for part, rows in (("train", texts), ("test", texts.slice(0, 0))):
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink)
        store.files[f"{STORE}/texts/{part}.parquet"] = sink.getvalue().to_pybytes()
    with pytest.raises(UserError, match=r"no row of d-1 is left to push: row 1: column 'bill_length_mm': 'x' is no"):
        run_predict(store, model, altered, max_bad_rows=10**6)


def test_answers_that_are_no_numbers_are_bad_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    model = trained(store, "body_mass_g", "Ridge")
    data = data_of(run_ingest(EXAMPLES, "penguins-2009.csv", store))
    from modelyard_runtime.models.session import Session

    true_answer = Session.answer

    def with_a_gap(self: Session, columns: Any) -> Any:
        answers = true_answer(self, columns)
        if len(answers["value"]) > 8:
            answers["value"] = answers["value"].copy()
            answers["value"][3] = np.nan
        return answers

    monkeypatch.setattr(Session, "answer", with_a_gap)
    result = run_predict(store, model, data, max_bad_rows=1)
    assert [(bad.row, bad.column) for bad in result.bad_examples] == [(4, None)]
    assert table_of(store, result.uri)["value"].null_count == 0


def test_what_the_dataset_declares_decides_on_types(tmp_path: Path) -> None:
    store = MemoryStore()
    model = trained(store, "species", "LogisticRegression", features=NUMBERS)
    data = small(tmp_path, store, ROWS + GOOD.replace(",a", ",7") * 3)
    as_text = {"columns": [{"name": "id", "type": "Category"}], "ignore": ["label"]}
    result = run_predict(store, model, data, as_text, keep=["id"])
    answers = table_of(store, result.uri)
    assert answers["id"].to_pylist() == ["7"] * 3
    assert "label" not in answers.column_names
    says = r"the answers don't fit the Dataset: spec.columns: column 'label' is declared Integer, but 3 of its values"
    with pytest.raises(UserError, match=says):
        run_predict(store, model, data, {"columns": [{"name": "label", "type": "Integer"}]})


def test_a_changed_model_is_refused() -> None:
    store = MemoryStore()
    model = trained(store, "body_mass_g", "Ridge")
    data = data_of(run_ingest(EXAMPLES, "penguins-2009.csv", store))
    store.files[f"{model.artifact_uri}/model.onnx"] += b"x"
    with pytest.raises(UserError, match="has digest"):
        run_predict(store, model, data)
