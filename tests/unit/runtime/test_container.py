"""Checks that a container's model is collected only if its classes have names, and that old results are removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelyard_api.fields.trainer import Trainer
from modelyard_api.wire.result import SUPERSEDED
from modelyard_api.wire.task import TrainTask
from modelyard_runtime.commands.collect import collect
from modelyard_runtime.commands.layout import lay_out
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore, data_of, run_ingest


def model(classes: str | None, width: int = 2) -> bytes:
    """Returns a graph of plain operators that always answers the first class, with class names only in metadata."""
    shape = helper.make_tensor("weights", TensorProto.FLOAT, [2, width], np.zeros(2 * width, np.float32))
    bias = helper.make_tensor("bias", TensorProto.FLOAT, [width], [1.0, *([0.0] * (width - 1))])
    nodes = [
        helper.make_node("Gemm", ["input", "weights", "bias"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["raw"], ["label"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
         helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, width])],
        [shape, bias],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if classes is not None:
        helper.set_model_props(proto, {"classes": classes})
    onnx.checker.check_model(proto)
    return proto.SerializeToString()


@pytest.fixture
def task(tmp_path: Path) -> tuple[MemoryStore, TrainTask]:
    text = "a,b,y\n" + "".join(f"{i},{i}.5,{i % 2}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(text)
    store = MemoryStore()
    data = data_of(run_ingest(tmp_path, "t.csv", store, target="y"))
    trainer = Trainer.model_validate({"container": {"image": "example.org/own:1"}})
    return store, TrainTask(
        subject=SUBJECT, tracking_url=URL, base_uri=f"{STORE}/m", result_uri=f"{STORE}/m/r", data=data, trainer=trainer,
        task="Classification", image="example.org/own:1", additional_metrics=["log_loss"],
    )  # fmt: skip


def test_a_new_pod_takes_the_result_of_an_earlier_one_away(tmp_path: Path, task: Any) -> None:
    """The earlier pod's container failed or was stopped: only a result that follows a good end counts."""
    store, train_task = task
    result = collect(train_task, store, output(tmp_path, model("[0, 1]")))
    store.put_json(train_task.result_uri, result.wire())
    lay_out(train_task, store, tmp_path / "in")
    assert store.get_json(train_task.result_uri) == SUPERSEDED
    assert (tmp_path / "in/train.parquet").stat().st_size > 0


def output(folder: Path, data: bytes) -> Path:
    (folder / "model.onnx").write_bytes(data)
    return folder


def test_classes_come_from_the_metadata(tmp_path: Path, task: Any) -> None:
    store, train_task = task
    result = collect(train_task, store, output(tmp_path, model("[0, 1]")))
    assert result.signature.classes == ["0", "1"]
    assert result.metrics["log_loss"] > 0
    assert (result.dataset_version, result.dataset_digest, result.image) == (
        "d-1", train_task.data.digest, "example.org/own:1",
    )  # fmt: skip


@pytest.mark.parametrize(
    "classes", [None, "0,1", "[0]", "[0, 0]", "[0, 1.5]", '{"0": 1}', "[true, false]", "", "[0, 1, 2]", "[null, 1]"]
)
def test_classes_without_names_are_refused(tmp_path: Path, task: Any, classes: str | None) -> None:
    store, train_task = task
    with pytest.raises(UserError) as caught:
        collect(train_task, store, output(tmp_path, model(classes)))
    assert caught.value.reason == "InvalidModel"
    for word in ("metadata_props 'classes'", "JSON list of 2"):
        assert word in caught.value.message


def _folder(out: Path) -> None:
    (out / "model.onnx").mkdir()
    (out / "model.onnx" / "weights.bin").write_bytes(b"x")


def _out(out: Path) -> None:
    (out.parent / "secret").write_bytes(b"x")
    (out / "model.onnx").symlink_to("../secret")


def _dangling(out: Path) -> None:
    (out / "model.onnx").symlink_to("epoch-9.onnx")


def _loop(out: Path) -> None:
    (out / "model.onnx").symlink_to("model.onnx")


def _other(out: Path) -> None:
    (out / "checkpoints").mkdir()
    (out / "model.pt").write_bytes(b"x")


@pytest.mark.parametrize(
    ("write", "reason", "says"),
    [
        (lambda out: None, "ContainerWroteNothing", "ended without /modelyard/out/model.onnx; it wrote nothing"),
        (_other, "ContainerWroteNothing", "it has checkpoints/, model.pt"),
        (_folder, "InvalidModel", "model.onnx is a folder (it has weights.bin); write the model itself as this file"),
        (_out, "InvalidModel", "is a link that leads out of /modelyard/out, to "),
        (_dangling, "InvalidModel", "is a link to epoch-9.onnx, which can't be followed; write a file"),
        (_loop, "InvalidModel", "can't be followed; write a file"),
    ],
)
def test_what_is_no_file_is_told_as_what_it_is(tmp_path: Path, task: Any, write: Any, reason: str, says: str) -> None:
    store, train_task = task
    (out := tmp_path / "out").mkdir()
    write(out)
    with pytest.raises(UserError) as caught:
        collect(train_task, store, out)
    assert caught.value.reason == reason
    assert says in caught.value.message


def test_a_link_within_the_folder_is_followed(tmp_path: Path, task: Any) -> None:
    store, train_task = task
    (out := tmp_path / "out").mkdir()
    (out / "epoch-9.onnx").write_bytes(model("[0, 1]"))
    (out / "model.onnx").symlink_to("epoch-9.onnx")
    assert collect(train_task, store, out).signature.classes == ["0", "1"]
