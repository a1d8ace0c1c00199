"""Checks gRPC: the protocol's calls, the statuses of refused calls, health, and the end of the server."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient, service_pb2

from modelyard_api.wire.sketches import read
from modelyard_server.rpc.convert import FIELDS
from modelyard_server.rpc.messages import HEALTH, MESSAGES, build
from tests.unit.server.models import StoredModel
from tests.unit.server.relay import service
from tests.unit.server.serving import NAME, VERSION, Served, running
from tests.unit.server.test_answers import ROWS, columns, outputs

MIB = 1024 * 1024
health = build("grpc.health.v1", HEALTH)


class Calls:
    """A minimal client that sends bytes or messages without checks of its own."""

    def __init__(self, server: Served) -> None:
        # gRPC limits only what a client receives by default, so messages over the server's limit can be sent.
        self._channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}")

    def raw(self, method: str, data: bytes, service: str = "inference.GRPCInferenceService") -> bytes:
        call = self._channel.unary_unary(f"/{service}/{method}")
        return bytes(call(data, timeout=20))

    def __call__(self, method: str, **fields: Any) -> Any:
        data = MESSAGES[f"{method}Request"](**fields).SerializeToString()
        return MESSAGES[f"{method}Response"].FromString(self.raw(method, data))

    def health(self, service: str = "") -> int:
        data = health["HealthCheckRequest"](service=service).SerializeToString()
        return int(health["HealthCheckResponse"].FromString(self.raw("Check", data, "grpc.health.v1.Health")).status)

    def watch(self, service: str = "") -> Iterator[int]:
        call = self._channel.unary_stream("/grpc.health.v1.Health/Watch")
        for data in call(health["HealthCheckRequest"](service=service).SerializeToString()):
            yield health["HealthCheckResponse"].FromString(data).status

    def close(self) -> None:
        self._channel.close()


@pytest.fixture
def calls(iris_server: Served) -> Iterator[Calls]:
    calls = Calls(iris_server)
    yield calls
    calls.close()


@pytest.fixture
def penguin_calls(penguins_server: Served) -> Iterator[Calls]:
    calls = Calls(penguins_server)
    yield calls
    calls.close()


def refused(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def fields_of(descriptor: Any) -> set[tuple[Any, ...]]:
    return {
        (
            field.number,
            field.name,
            field.type,
            field.is_repeated,
            field.containing_oneof and field.containing_oneof.name,
            field.message_type and field.message_type.full_name,
        )
        for field in descriptor.fields
    }


def test_the_messages_are_the_standard_ones() -> None:
    """Triton's copy lacks the properties, and the fields in the answers of load and unload, which KServe's has."""
    extended = {"ModelMetadataResponse", "RepositoryModelLoadResponse", "RepositoryModelUnloadResponse"}
    for name, message in MESSAGES.items():
        standard = service_pb2.DESCRIPTOR.pool.FindMessageTypeByName(f"inference.{name}")
        ours, tritons = fields_of(message.DESCRIPTOR), fields_of(standard)
        assert ours >= tritons, name
        assert (ours == tritons) == (name not in extended), name


def typed(tensors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns JSON inputs as InferInputTensors with typed contents."""
    inputs = []
    for tensor in tensors:
        data = [np.nan if value is None else value for value in tensor["data"]]
        if tensor["datatype"] == "BYTES":
            data = [("" if value is None else value).encode() for value in tensor["data"]]
        inputs.append({**tensor, "contents": {FIELDS[tensor["datatype"]]: data}})
        del inputs[-1]["data"]
    return inputs


def test_metadata(calls: Calls, iris: StoredModel) -> None:
    assert calls("ServerLive").live
    assert calls("ServerReady").ready
    assert calls("ModelReady", name=NAME, version=VERSION).ready
    assert "model_repository" in calls("ServerMetadata").extensions
    metadata = calls("ModelMetadata", name=NAME)
    assert (metadata.name, list(metadata.versions), metadata.properties["digest"]) == (NAME, [VERSION], iris.digest)
    assert json.loads(metadata.properties["classes"]) == ["setosa", "versicolor", "virginica"]
    assert [(item.name, item.datatype, list(item.shape)) for item in metadata.outputs][1][2] == [-1, 3]


def test_typed_contents_are_answered_in_kind(
    penguins: StoredModel, penguins_server: Served, penguin_calls: Calls
) -> None:
    tensors = columns(penguins, slice(0, 300))
    tensors[2]["data"][0] = "Åtlantis"
    expected = outputs(penguins_server.infer({"inputs": tensors}))
    answer = penguin_calls("ModelInfer", model_name=NAME, id="order-17", inputs=typed(tensors))
    assert (answer.model_name, answer.model_version, answer.id) == (NAME, VERSION, "order-17")
    assert not answer.raw_output_contents
    label, probabilities = answer.outputs
    assert list(label.contents.int64_contents) == expected["label"].tolist()
    assert list(probabilities.shape) == [300, 2]
    np.testing.assert_array_equal(
        np.array(probabilities.contents.fp32_contents, np.float32),
        expected["probabilities"].ravel().astype(np.float32),
    )


@pytest.mark.parametrize("datatype", sorted({*FIELDS} - {"BYTES", "BOOL"}))
def test_one_tensor_of_any_numbers(iris: StoredModel, calls: Calls, datatype: str) -> None:
    values = np.rint(iris.table.to_numpy()[ROWS])
    tensor = {"name": "x", "datatype": datatype, "shape": list(values.shape)}
    numbers = values.ravel().tolist() if datatype.startswith("FP") else values.ravel().astype(int).tolist()
    inputs = [{**tensor, "contents": {FIELDS[datatype]: numbers}}]
    answer = calls("ModelInfer", model_name=NAME, inputs=inputs, outputs=[{"name": "label"}])
    (label,) = answer.outputs
    assert [item.decode() for item in label.contents.bytes_contents] == iris.estimator.predict(values).tolist()
    assert len(answer.id) == 32


@pytest.mark.parametrize("datatype", ["FP16", "FP32"])
@pytest.mark.parametrize("binary", [None, False])
def test_raw_contents(iris: StoredModel, calls: Calls, datatype: str, binary: bool | None) -> None:
    values = iris.table.to_numpy()[ROWS].astype("<f2" if datatype == "FP16" else "<f4")
    parameters = {} if binary is None else {"binary_data_output": {"bool_param": binary}}
    inputs = [{"name": "x", "datatype": datatype, "shape": list(values.shape)}]
    raw = [values.tobytes()]
    answer = calls("ModelInfer", model_name=NAME, inputs=inputs, raw_input_contents=raw, parameters=parameters)
    assert len(answer.raw_output_contents) == (2 if binary is None else 0)
    probabilities = (
        np.frombuffer(answer.raw_output_contents[1], "<f4")
        if binary is None
        else np.array(answer.outputs[1].contents.fp32_contents)
    )
    expected = iris.estimator.predict_proba(values.astype(np.float32))
    np.testing.assert_allclose(probabilities.reshape(expected.shape), expected, rtol=1e-4, atol=1e-6)


def test_a_large_request(iris: StoredModel, calls: Calls) -> None:
    values = np.tile(iris.table.to_numpy(), (1000, 1)).astype("<f4")
    inputs = [{"name": "x", "datatype": "FP32", "shape": list(values.shape)}]
    outputs_ = [{"name": "label"}]
    answer = calls(
        "ModelInfer", model_name=NAME, inputs=inputs, raw_input_contents=[values.tobytes()], outputs=outputs_
    )
    assert list(answer.outputs[0].shape) == [len(values)]


def one_row(**changes: Any) -> dict[str, Any]:
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 4], "contents": {"fp32_contents": [1, 2, 3, 4]}} | changes
    return {"model_name": NAME, "inputs": [{key: value for key, value in tensor.items() if value is not ...}]}


RAW = {"raw_input_contents": [bytes(16)]}
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"model_name": "birds"}, "NOT_FOUND", "unknown model 'birds'"),
    ({"model_name": ""}, "NOT_FOUND", "unknown model ''"),
    (one_row() | {"model_version": "9"}, "NOT_FOUND", "unknown version '9'"),
    ({"model_name": NAME}, "INVALID_ARGUMENT", "inputs is empty: the model takes"),
    (
        one_row(contents=...),
        "INVALID_ARGUMENT",
        "input 'x': contents.fp32_contents has 0 elements, shape [1,4] wants 4",
    ),
    (one_row(shape=[1, 5]), "INVALID_ARGUMENT", "has 4 elements, shape [1,5] wants 5"),
    (one_row(shape=[2, 2]), "INVALID_ARGUMENT", "has 2 columns"),
    (one_row(shape=[]), "INVALID_ARGUMENT", "input 'x': shape [] is not [rows]"),
    (one_row(shape=[-1, -4]), "INVALID_ARGUMENT", "at least one row"),
    (one_row(shape=[2**62, 2**62]), "INVALID_ARGUMENT", "wants"),
    (one_row(datatype="FP8"), "INVALID_ARGUMENT", "input 'x': datatype \"FP8\": it is BYTES, FP32"),
    (one_row(datatype="FP16"), "INVALID_ARGUMENT", "it comes in raw_input_contents"),
    (one_row(datatype="FP64"), "INVALID_ARGUMENT", "FP64 goes in contents.fp64_contents, not in fp32_contents"),
    (one_row(datatype="INT8", contents={"int_contents": [1, 2, 300, 4]}), "INVALID_ARGUMENT", "element 2 is 300"),
    (one_row(datatype="BYTES", contents={"bytes_contents": [b"a"] * 4}), "INVALID_ARGUMENT", "a number is FP32"),
    (
        one_row(datatype="BYTES", contents={"bytes_contents": [b"\xff"] * 4}),
        "INVALID_ARGUMENT",
        "element 0 is not UTF-8",
    ),
    (one_row(contents={"fp32_contents": [1, 2, 3, float("inf")]}), "INVALID_ARGUMENT", "element 3, inf, is too large"),
    (one_row(name="sepal_width", shape=[4, 1]), "INVALID_ARGUMENT", "missing input 'sepal_length'"),
    ({**one_row(), "inputs": one_row()["inputs"] * 2}, "INVALID_ARGUMENT", "inputs[1]: 'x' is given twice"),
    (one_row() | {"id": "x" * 300}, "INVALID_ARGUMENT", "is not a text of 1 to 256"),
    (one_row() | {"outputs": [{"name": "lable"}]}, "INVALID_ARGUMENT", 'unknown output "lable": the model has label'),
    (
        one_row() | {"outputs": [{"name": "label", "parameters": {"classification": {"int64_param": 3}}}]},
        "INVALID_ARGUMENT",
        "classification is not supported",
    ),
    (one_row() | RAW, "INVALID_ARGUMENT", "input 'x' has contents beside raw_input_contents"),
    (one_row(contents=...) | {"raw_input_contents": [b"", b""]}, "INVALID_ARGUMENT", "has 2 items for 1 inputs"),
    (
        one_row(contents=..., shape=[2, 4]) | RAW,
        "INVALID_ARGUMENT",
        "input 'x' has 16 bytes: FP32 of shape [2,4] takes 32",
    ),
]


@pytest.mark.parametrize(("fields", "code", "message"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_refused(calls: Calls, fields: dict[str, Any], code: str, message: str) -> None:
    status, details = refused(lambda: calls("ModelInfer", **fields))
    assert (status.name, message in details) == (code, True), details
    assert calls("ModelInfer", **one_row()).outputs


@pytest.mark.parametrize("method", ["ModelInfer", "ModelReady", "RepositoryIndex"])
def test_bytes_that_are_no_message(calls: Calls, method: str) -> None:
    code, details = refused(lambda: calls.raw(method, b"\xff" * 40))
    assert (code.name, f"not a {method}Request" in details) == ("INVALID_ARGUMENT", True), details


def test_a_message_over_the_limit(calls: Calls, iris_server: Served) -> None:
    code, details = refused(lambda: calls.raw("ModelInfer", b"\0" * (16 * MIB + 1)))
    assert (code.name, "larger than max" in details) == ("RESOURCE_EXHAUSTED", True), details
    assert calls("ModelInfer", **one_row()).outputs


def test_names_that_do_not_fit_into_a_header(calls: Calls) -> None:
    names = [{**one_row()["inputs"][0], "name": "Ä" * 120 + str(index)} for index in range(40)]
    code, details = refused(lambda: calls("ModelInfer", model_name=NAME, inputs=names))
    assert (code.name, details.startswith("unknown input 'ÄÄ")) == ("INVALID_ARGUMENT", True), details


def test_other_calls_refused(calls: Calls) -> None:
    for method in ("ModelReady", "ModelMetadata"):
        assert refused(lambda method=method: calls(method, name="birds"))[0].name == "NOT_FOUND"
    for method in ("RepositoryModelLoad", "RepositoryModelUnload"):
        assert refused(lambda method=method: calls(method, model_name=NAME))[0].name == "PERMISSION_DENIED"
    assert refused(lambda: calls.raw("ModelStreamInfer", b""))[0].name == "UNIMPLEMENTED"


def test_metrics_count_both_protocols(calls: Calls, iris_server: Served) -> None:
    lines = [f'modelyard_server_requests_total{{code="{code}"' for code in (200, 400)]
    before = [iris_server.metric(line) for line in lines]
    calls("ModelInfer", **one_row())
    refused(lambda: calls("ModelInfer", **one_row(shape=[])))
    assert [iris_server.metric(line) for line in lines] == [count + 1 for count in before]
    assert iris_server.metric("modelyard_server_requests_in_flight") == 0


@pytest.mark.parametrize("options", [(), ("--no-sketches",)])
def test_both_protocols_are_counted_in_the_windows(options: tuple[str, ...], iris: StoredModel, tmp_path: Path) -> None:
    numbers = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}
    with running(iris.folder, tmp_path, *options) as server:
        calls = Calls(server)
        since = time.time() // 10 * 10
        for index in range(3):
            calls("ModelInfer", **one_row())
            server.infer(numbers if index else {})
        refused(lambda: calls("ModelInfer", **one_row(shape=[])))
        for query in ("", f"?since={since}", f"?since={since}&until={since + 600}", "?window=1m"):
            status, body = server.get(f"/v2/models/{NAME}/sketches{query}")
            assert status == 200
            sketches = read(json.dumps(body).encode())
            assert sketches.requests.codes == {200: 5, 400: 2}
            assert sum(sketches.requests.latencies.values()) == 7
            assert (sketches.predictions, sketches.digest) == (0 if options else 5, iris.digest)
            assert bool(sketches.columns) is not bool(options)
        for bound in (0.001, 0.01, 0.1):
            line = f'modelyard_server_request_duration_seconds_bucket{{le="{bound}"'
            assert server.metric(line) == 7 - sketches.requests.slower(bound), "what Prometheus sees are sums of these"


def test_health(calls: Calls) -> None:
    assert [calls.health(name) for name in ("", "inference.GRPCInferenceService")] == [1, 1]
    assert refused(lambda: calls.health("birds"))[0].name == "NOT_FOUND"
    assert next(calls.watch()) == 1
    assert next(calls.watch("birds")) == 3


def test_the_repository(iris: StoredModel, tmp_path: Path) -> None:
    import shutil

    for name in ("a", "b"):
        shutil.copytree(iris.folder, tmp_path / "models" / name / "1")
    with running(tmp_path / "models", tmp_path, repository=True) as server:
        calls, client = Calls(server), InferenceServerClient(f"127.0.0.1:{server.grpc_port}")
        assert [(item.name, item.state) for item in calls("RepositoryIndex").models] == [("a", "READY"), ("b", "READY")]
        client.unload_model("a")
        assert not client.is_model_ready("a")
        assert refused(lambda: calls("ModelInfer", **one_row() | {"model_name": "a"}))[0].name == "UNAVAILABLE"
        assert [item.name for item in calls("RepositoryIndex", ready=True).models] == ["b"]
        client.load_model("a")
        assert client.is_model_ready("a")
        # KServe's clients send the model's name in the first field, repository_name.
        assert calls("RepositoryModelUnload", repository_name="a").model_name == "a"
        assert not client.is_model_ready("a")
        assert refused(lambda: calls("RepositoryModelLoad", model_name="c"))[0].name == "NOT_FOUND"
        client.close()


def test_at_the_end_it_is_not_serving_and_then_gone(iris: StoredModel, tmp_path: Path) -> None:
    with running(iris.folder, tmp_path, "--drain-seconds", "1") as server:
        calls = Calls(server)
        watched = calls.watch()
        assert next(watched) == 1
        server.process.send_signal(signal.SIGTERM)
        assert next(watched) == 2
        assert refused(lambda: next(watched)) == (grpc.StatusCode.UNAVAILABLE, "the server is stopping")
        assert not calls("ServerReady").ready
        assert calls("ModelInfer", **one_row()).outputs, "it still answers"
        began = time.monotonic()
        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 10


def test_no_call_is_lost_when_a_pod_goes(iris: StoredModel, tmp_path: Path) -> None:
    """The calls go through a relay that, like a Service, gives new connections only to pods that are ready."""
    servers = [Served(iris.folder, tmp_path, "--drain-seconds", "0.5") for _ in range(2)]
    data = MESSAGES["ModelInferRequest"](**one_row()).SerializeToString()
    try:
        for server in servers:
            server.wait_ready()
        leaving, staying = servers
        with service(leaving.grpc_port) as (port, targets), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            for _ in range(50):
                call(data, timeout=20)
            leaving.process.terminate()
            targets[:] = [staying.grpc_port]
            while leaving.process.poll() is None:
                call(data, timeout=20)
            assert leaving.process.returncode == 0
            for _ in range(50):
                call(data, timeout=20)
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()


def test_a_port_in_use_is_said(iris: StoredModel, iris_server: Served, tmp_path: Path) -> None:
    server = Served(iris.folder, tmp_path, "--grpc-port", str(iris_server.grpc_port))
    assert server.process.wait(30) == 1, server.log
    assert f"can't listen on 127.0.0.1:{iris_server.grpc_port}" in server.last_words
