"""Checks a server from start to end: quickly ready, never ready with a wrong model, no request lost at the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.server.models import StoredModel, write_manifest
from tests.unit.server.serving import NAME, Clients, Served, running

SMALL = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}).encode()
INFER = f"/v2/models/{NAME}/infer"


def test_serving_imports_nothing_slow() -> None:
    """Only the init container needs pydantic, whose import would take a third of the server's start."""
    code = "import sys, modelyard_server.__main__, modelyard_server.server; print(*sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "onnxruntime" in out
    assert not {"pydantic", "pandas", "sklearn", "skops", "onnx"} & set(out)


def change(*path: str | int, to: Any) -> Callable[[Path, dict[str, Any]], None]:
    """Returns a function that writes a manifest with the value at ``path`` replaced."""

    def damage(folder: Path, manifest: dict[str, Any]) -> None:
        parent: Any = manifest
        for part in path[:-1]:
            parent = parent[part]
        parent[path[-1]] = to
        write_manifest(folder, manifest)

    return damage


def flip(folder: Path, manifest: dict[str, Any]) -> None:
    data = bytearray((folder / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.onnx").write_bytes(data)


DAMAGES: dict[str, tuple[Callable[[Path, dict[str, Any]], None], str]] = {
    "label": (
        change("example", "outputs", "label", 5, to="virginica"),
        "does not answer its own example as it was stored: output 'label', row 5: ['setosa'] instead of ['virginica']",
    ),
    "probability": (change("example", "outputs", "probabilities", 0, to=[0.9, 0.1, 0.0]), "output 'probabilities'"),
    "rows": (change("example", "outputs", "label", to=["setosa"]), "output 'label'"),
    "no answers": (change("example", "outputs", to={}), "the example has no answers for output 'label'"),
    "no rows": (change("example", "inputs", to={}), "the example has no values for input 'sepal_length'"),
    "uneven": (change("example", "inputs", "sepal_width", to=[1.0]), "inputs differ in length: [1, 8]"),
    "type": (change("example", "inputs", "sepal_width", 0, to="a"), "the example's input 'sepal_width': element 0"),
    "output": (change("signature", "outputs", 0, "name", to="class"), "no output ['class']"),
    "layout": (change("layout", to="Columns"), "the model's inputs are ['input'], its manifest says"),
    "texts": (change("signature", "inputs", 0, "datatype", to="BYTES"), "layout Tensor, which holds numbers only"),
    "other layout": (change("layout", to="Rows"), "layout 'Rows': only Tensor and Columns are known"),
    "format": (change("format", to="Pickle"), "format 'Pickle': this server serves ONNX and Skops"),
    "one bit": (flip, "model.json says sha256:"),
    "no file": (lambda folder, _: (folder / "model.onnx").unlink(), "model.onnx: No such file"),
    "no manifest": (lambda folder, _: (folder / "model.json").unlink(), "model.json: No such file"),
    "not JSON": (lambda folder, _: (folder / "model.json").write_text("{") and None, "not a model's manifest"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_wrong_model_is_never_served(iris: StoredModel, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes((iris.folder / "model.onnx").read_bytes())
    write_manifest(folder, iris.manifest)
    make, message = DAMAGES[damage]
    make(folder, json.loads(json.dumps(iris.manifest)))
    server = Served(folder, tmp_path)
    ready = []
    while server.process.poll() is None:
        try:
            ready.append(server.get("/v2/health/ready")[0])
        except OSError:
            time.sleep(0.005)
    assert 200 not in ready
    assert server.process.returncode == 2, server.log
    message_ = server.last_words
    assert message_.startswith(f"cannot serve {NAME} version 3: ")
    assert message in message_
    assert "\n" not in message_
    assert "Traceback" not in server.log


def test_bytes_that_are_no_model(tmp_path: Path, iris: StoredModel) -> None:
    import hashlib

    data = b"not a graph"
    (tmp_path / "model.onnx").write_bytes(data)
    write_manifest(tmp_path, iris.manifest | {"fileDigest": "sha256:" + hashlib.sha256(data).hexdigest()})
    server = Served(tmp_path, tmp_path)
    assert server.process.wait(30) == 2
    assert "is not a model onnxruntime can load" in server.last_words


def test_a_port_in_use_is_said(iris: StoredModel, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Served(iris.folder, tmp_path, "--port", str(port))
        try:
            assert server.process.wait(30) == 1, server.log
        finally:
            server.process.kill()
        message = server.last_words
        assert f"127.0.0.1:{port}" in message
        assert "in use" in message


def test_no_request_is_lost_when_a_pod_goes(iris: StoredModel, tmp_path: Path) -> None:
    """A pod ends as in Kubernetes: it leaves the Service while its preStop hook waits, then it gets SIGTERM.

    Clients with keep-alive connections still send requests to it, and none may be lost.
    """
    servers = [Served(iris.folder, tmp_path) for _ in range(2)]
    old, new = servers
    try:
        for server in servers:
            server.wait_ready()
        clients = Clients([old, new], SMALL)
        try:
            clients.wait_answered(old)
            clients.endpoints = [new]  # the preStop hook waits until every node knows this
            clients.wait_answered(old)
            old.process.send_signal(signal.SIGTERM)
            assert old.process.wait(20) == 0
            clients.wait_answered(new, 500)
        finally:
            clients.stop()
        assert clients.failures == []
        assert clients.answered[old.port] > 100
        assert "stopped" in old.log
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()


def test_while_draining_it_answers_but_is_not_ready(iris: StoredModel, tmp_path: Path) -> None:
    with running(iris.folder, tmp_path, "--drain-seconds", "2") as server:
        connection = server.connect()
        connection.request("POST", INFER, SMALL)
        answer = connection.getresponse()
        answer.read()
        assert not answer.will_close
        server.process.terminate()
        deadline = time.monotonic() + 5
        while server.get("/v2/health/ready")[0] != 503:
            assert time.monotonic() < deadline
        assert "stopping" in server.get("/v2/health/ready")[1]["error"]
        assert server.get("/v2/health/live")[0] == 200, "a pod that ends is not to be restarted"
        assert server.request("POST", INFER, SMALL)[0] == 200, "a new connection"
        connection.request("POST", INFER, SMALL)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.will_close, "the client is asked to leave"
        assert server.process.wait(20) == 0


def test_what_is_in_flight_at_the_end_is_answered(iris: StoredModel, tmp_path: Path) -> None:
    """The second half of a body arrives after the server has stopped listening."""
    with running(iris.folder, tmp_path, "--drain-seconds", "0") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
            head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(SMALL)}\r\n\r\n"
            sock.sendall(head.encode() + SMALL[:20])
            deadline = time.monotonic() + 5
            while not server.metric("modelyard_server_requests_in_flight"):
                assert time.monotonic() < deadline
            server.process.terminate()
            while True:
                try:
                    server.get("/v2/health/live")
                except OSError:
                    break
                assert time.monotonic() < deadline + 5
            sock.sendall(SMALL[20:])
            assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        assert server.process.wait(20) == 0


def test_a_signal_before_it_is_ready_ends_it_at_once(iris: StoredModel, tmp_path: Path) -> None:
    """The end is clean and quick, whether or not the server is ready when the signal comes."""
    server = Served(iris.folder, tmp_path, "--drain-seconds", "0")
    deadline = time.monotonic() + 20
    while "listening" not in server.log:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert "Traceback" not in server.log
