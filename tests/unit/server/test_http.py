"""Checks the real server over real sockets: paths, methods, sizes, health under load, metrics."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from modelyard_api.fields.artifact import sha256
from tests.unit.server.models import StoredModel, write_manifest
from tests.unit.server.serving import NAME, VERSION, Served, running

INFER = f"/v2/models/{NAME}/infer"
MIB = 1024 * 1024
SMALL: dict[str, Any] = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}


@pytest.mark.parametrize("base", [f"/v2/models/{NAME}", f"/v2/models/{NAME}/versions/{VERSION}"])
def test_the_model_describes_itself(iris: StoredModel, iris_server: Served, base: str) -> None:
    status, body = iris_server.get(base)
    assert status == 200
    assert (body["name"], body["versions"]) == (NAME, [VERSION])
    assert body["inputs"][0] == {"name": "sepal_length", "datatype": "FP32", "shape": [-1]}
    assert body["outputs"][1] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}
    parameters = body["parameters"]
    assert (parameters["digest"], parameters["classes"]) == (iris.digest, ["setosa", "versicolor", "virginica"])
    assert parameters["columns"]["sepal_length"] == {"type": "Float"}
    assert iris_server.get(f"{base}/ready")[0] == 200


def test_server_and_health(iris_server: Served) -> None:
    status, body = iris_server.get("/v2")
    assert status == 200
    assert {"name", "version", "extensions"} <= set(body)
    assert iris_server.get("/v2/health/live")[0] == 200
    assert iris_server.get("/v2/health/ready")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/v2/models/birds/infer", 404, f"unknown model 'birds': this server serves '{NAME}' version 3"),
        ("GET", "/v2/models/birds", 404, "unknown model 'birds'"),
        ("POST", f"/v2/models/{NAME}/versions/9/infer", 404, "unknown version '9'"),
        ("GET", f"/v2/models/{NAME}/versions/9/ready", 404, "unknown version '9'"),
        ("POST", f"/v2/models/{NAME}/explain", 404, f"POST {INFER} predicts"),
        ("POST", f"/v2/models/{NAME}/versions//infer", 404, f"POST {INFER} predicts"),
        ("GET", "/", 404, "unknown path '/'"),
        ("GET", "/v2/../etc/passwd", 404, "unknown path"),
        ("GET", INFER, 405, f"GET is not allowed on {INFER}: use POST"),
        ("POST", "/v2/health/live", 405, "use GET"),
        ("DELETE", f"/v2/models/{NAME}", 405, "use GET"),
    ],
)
def test_what_is_not_there(iris_server: Served, method: str, path: str, status: int, message: str) -> None:
    code, body, headers = iris_server.request(method, path)
    assert code == status
    assert message in body["error"]
    assert ("allow" in headers) == (status == 405)


def test_the_largest_body_is_read_and_one_byte_more_is_not(iris_server: Served) -> None:
    assert iris_server.request("POST", INFER, json.dumps(SMALL).encode().ljust(16 * MIB))[0] == 200
    with socket.create_connection(("127.0.0.1", iris_server.port)) as sock:
        head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {16 * MIB + 1}\r\n\r\n"
        sock.sendall(head.encode())
        # The server must refuse by the header alone: no byte of the body has been sent.
        assert_too_large(sock)


def test_a_chunked_body_is_not_read_to_its_end(iris_server: Served) -> None:
    before = iris_server.metric('modelyard_server_requests_total{code="413"')
    with socket.create_connection(("127.0.0.1", iris_server.port), timeout=20) as sock:
        sock.sendall(f"POST {INFER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"%x\r\n%s\r\n" % (MIB, b" " * MIB)
        sent = 0
        try:
            while sent < 200:
                sock.sendall(chunk)
                sent += 1
        except OSError:
            pass  # the server has closed the connection, as it should
        assert 16 <= sent < 60, "the buffers of the sockets are all that is read ahead"
    assert iris_server.metric('modelyard_server_requests_total{code="413"') > before
    assert iris_server.infer(SMALL)[0] == 200


def test_a_chunked_body_is_answered(iris_server: Served) -> None:
    connection = iris_server.connect()
    body = json.dumps(SMALL).encode()
    connection.request("POST", INFER, iter([body[:10], body[10:]]), encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


def assert_too_large(sock: socket.socket) -> None:
    sock.settimeout(20)
    data = b""
    while part := sock.recv(65536):
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 413"), head
    assert "larger than 16777216 bytes" in json.loads(body)["error"]


def test_a_client_that_goes_away_harms_nobody(iris_server: Served) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", iris_server.port)) as sock:
            sock.sendall(f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{{".encode())
    deadline = time.monotonic() + 10
    while iris_server.metric("modelyard_server_requests_in_flight"):
        assert time.monotonic() < deadline, "a request of a client that is gone never ends"
        time.sleep(0.01)
    assert iris_server.infer(SMALL)[0] == 200
    assert "Traceback" not in iris_server.log


@pytest.mark.quiet
def test_health_answers_while_large_requests_are_computed(iris: StoredModel, iris_server: Served) -> None:
    rows = np.tile(iris.table.to_numpy(), (1500, 1))
    tensor = {"name": "x", "datatype": "FP32", "shape": list(rows.shape), "data": rows.ravel().tolist()}
    body = json.dumps({"inputs": [tensor], "outputs": [{"name": "label"}]}).encode()
    assert 4 * MIB < len(body) < 16 * MIB
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(iris_server.request("POST", INFER, body)[0])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    slowest, probes = 0.0, 0
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        assert iris_server.get("/v2/health/live")[0] == 200
        slowest, probes = max(slowest, time.monotonic() - began), probes + 1
    assert statuses == [200] * 4
    assert probes > 3
    assert slowest < 2.0, "the kubelet gives up after two seconds (timeoutSeconds of the Deployment)"


def test_metrics_count(iris: StoredModel, iris_server: Served) -> None:
    labels = f'{{model="{NAME}",version="{VERSION}"'
    names = {
        "ok": 'modelyard_server_requests_total{code="200"',
        "bad": 'modelyard_server_requests_total{code="400"',
        "rows": f"modelyard_server_rows_total{labels}}}",
        "seconds": f"modelyard_server_request_duration_seconds_count{labels}}}",
    }
    before = {key: iris_server.metric(line) for key, line in names.items()}
    iris_server.infer(SMALL)
    iris_server.infer(SMALL)
    iris_server.infer({})
    more = {key: iris_server.metric(line) - before[key] for key, line in names.items()}
    assert more == {"ok": 2, "bad": 1, "rows": 2, "seconds": 3}
    text = iris_server.get("/metrics")[1].decode()
    assert re.search(rf'modelyard_server_model_info{{.*digest="{iris.digest}".*}} 1.0', text)
    assert iris_server.metric("modelyard_server_ready{") == 1
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "python_info"):
        assert f"\n{name}" in text


def test_an_unexpected_failure_tells_the_client_only_an_id(scratch: Path, iris: StoredModel) -> None:
    """The graph takes exactly the eight rows of its example: any other number fails inside onnxruntime."""
    folder = scratch / "eight"
    folder.mkdir()
    nodes = [
        helper.make_node("Reshape", ["input", "shape"], ["eight"]),
        helper.make_node("ReduceSum", ["eight", "axes"], ["value"], keepdims=0),
    ]
    constants = [
        helper.make_tensor("shape", TensorProto.INT64, [2], [8, 4]),
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
    ]
    graph = helper.make_graph(
        nodes,
        "eight",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None])],
        constants,
    )
    onnx = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    data = onnx.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    sums = [sum(row) for row in iris.table.to_numpy()[:8].astype(float).tolist()]
    manifest = json.loads(json.dumps(iris.manifest)) | {"fileDigest": sha256(data), "fileBytes": len(data)}
    manifest["signature"]["outputs"] = [{"name": "value", "datatype": "FP32", "shape": [-1]}]
    manifest["example"]["outputs"] = {"value": sums}
    write_manifest(folder, manifest)
    with running(folder, scratch) as server:
        status, body = server.infer(SMALL)
        assert status == 500
        match = re.fullmatch(r"internal error; the server's log has it as request ([0-9a-f]{32})", body["error"])
        assert match, body
        assert match[1] in server.log
        assert "Traceback" in server.log
        assert server.get("/v2/health/ready")[0] == 200
