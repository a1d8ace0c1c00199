"""Checks what code of the user's own is given of times and free text, and how its models are asked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from onnx import TensorProto, helper

from modelyard_api.fields.trainer import Trainer
from modelyard_api.wire.task import Data
from modelyard_runtime.commands.collect import collect
from tests.unit.runtime.memory import MemoryStore, train_task
from tests.unit.runtime.test_intake import START, answers, weekends
from tests.unit.runtime.test_script import run
from tests.unit.runtime.typed import laid

TREE = """
from sklearn.tree import DecisionTreeClassifier
def train(context):
    assert context.columns == ["at.days", "at.month", "at.day", "at.weekday", "at.hour"], context.columns
    assert list(context.test.columns) == context.columns
    return DecisionTreeClassifier().fit(context.train[["at.hour", "at.weekday"]], context.train[context.target])
"""


@pytest.fixture
def version() -> tuple[MemoryStore, Data]:
    store = MemoryStore()
    return store, weekends(store, format="%d.%m.%Y %H:%M", timeZone="Europe/Berlin")


def test_a_script_learns_from_the_parts_of_a_time(tmp_path: Path, version: tuple[MemoryStore, Data]) -> None:
    result = run(tmp_path, version, TREE)
    assert result.metrics["accuracy"] == 1.0
    assert [item.name for item in result.signature.inputs] == ["at"]
    texts = ["06.03.2026 23:59", "2026-03-06T23:30:00Z"]
    assert answers(version[0], result, tmp_path / "m", at=("BYTES", texts))["label"] == ["False", "True"]


def test_a_container_takes_the_parts_that_it_names(tmp_path: Path) -> None:
    store, rows = MemoryStore(), range(90)
    times = pa.array([START + timedelta(hours=7 * index) for index in rows], pa.timestamp("us", "UTC"))
    table = pa.table({"at": times, "note": [f"n {index}" for index in rows], "y": [index % 7 for index in rows]})
    known = {"at": {"type": "Timestamp", "timeZone": "Europe/Berlin"}, "note": "Text", "y": "Integer"}
    data = laid(store, table, "y", known)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["at.weekday"], ["column"], to=TensorProto.INT64),
            helper.make_node("Squeeze", ["column", "axes"], ["label"]),
        ],
        "g",
        [helper.make_tensor_value_info("at.weekday", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, [None])],
        [helper.make_tensor("axes", TensorProto.INT64, [1], [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.onnx").write_bytes(model.SerializeToString())
    trainer: Any = Trainer.model_validate({"container": {"image": "example.org/own:1"}})
    task = train_task(data, "none", objective="accuracy").model_copy(update={"trainer": trainer})
    result = collect(task, store, tmp_path / "out")
    assert result.left_out == ["note (Text)"]
    assert [item.wire()["type"] for item in result.signature.inputs] == ["Timestamp"]
    asked = answers(store, result, tmp_path / "m", at=("BYTES", ["2026-03-06T23:30:00Z", "2026-03-02"]))
    assert asked["label"] == [5, 0]
