"""Checks that under overload and hostile clients requests are answered or refused, and that memory stays flat."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from modelyard_api.fields.artifact import sha256
from tests.unit.server.load import Outcome, overload, request
from tests.unit.server.models import StoredModel, write_manifest
from tests.unit.server.serving import NAME, Served, running

pytestmark = pytest.mark.quiet
SECONDS = float(os.environ.get("MODELYARD_OVERLOAD_SECONDS", "10"))
INFER = f"/v2/models/{NAME}/infer"
SMALL = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}).encode()
MIB = 1024 * 1024


def slow_model(iris: StoredModel, folder: Path) -> Path:
    """Writes a model with the iris's inputs that takes about 10 ms per row: it computes 500,000 sines of each."""
    folder.mkdir()
    steps, names = [helper.make_node("MatMul", ["input", "wide"], ["y0"])], ["y0"]
    for index in range(10):
        steps.append(helper.make_node("Sin", [names[-1]], [f"y{index + 1}"]))
        names.append(f"y{index + 1}")
    steps.append(helper.make_node("ReduceMean", [names[-1], "axes"], ["value"], keepdims=0))
    graph = helper.make_graph(
        steps,
        "slow",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
            helper.make_tensor("wide", TensorProto.FLOAT, [4, 50_000], np.zeros(200_000, np.float32).tolist()),
        ],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    manifest = json.loads(json.dumps(iris.manifest)) | {"fileDigest": sha256(data), "fileBytes": len(data)}
    manifest["signature"]["outputs"] = [{"name": "value", "datatype": "FP32", "shape": [-1]}]
    manifest["example"]["outputs"] = {"value": [0.0] * 8}
    write_manifest(folder, manifest)
    return folder


@pytest.fixture
def slow_server(iris: StoredModel, tmp_path: Path) -> Iterator[Served]:
    with running(slow_model(iris, tmp_path / "slow"), tmp_path, "--drain-seconds", "1") as server:
        yield server


def resident(server: Served) -> float:
    """Returns the process's resident memory in MiB."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


class Probe:
    """Asks for readiness every 50 ms, as a kubelet's probe does, and keeps the slowest answer."""

    def __init__(self, server: Served) -> None:
        self.slowest, self.requests, self.failures = 0.0, 0, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(server,))
        self._thread.start()

    def _run(self, server: Served) -> None:
        while not self._stop.wait(0.05):
            began = time.monotonic()
            try:
                self.failures += server.get("/v2/health/ready")[0] != 200
            except OSError:
                self.failures += 1
            self.slowest, self.requests = max(self.slowest, time.monotonic() - began), self.requests + 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def check(outcome: Outcome) -> None:
    assert outcome.failures == []
    assert set(outcome.statuses) <= {200, 503}, outcome.statuses
    assert outcome.without_retry_after == 0
    assert outcome.slowest[200] < 5.0, "who is let in does not wait for long"


def test_ten_times_what_it_can_answer(slow_server: Served) -> None:
    asyncio.run(overload(slow_server.port, request(INFER, SMALL), 300, 1.0))  # warm-up: every buffer reaches its size
    before = resident(slow_server)
    probe = Probe(slow_server)
    outcome = asyncio.run(overload(slow_server.port, request(INFER, SMALL), 600, SECONDS))
    ended = time.monotonic()
    assert slow_server.request("POST", INFER, SMALL)[0] == 200, "back to normal"
    assert time.monotonic() - ended < 1.0
    probe.stop()
    print(outcome, f"probe: {probe.slowest:.2f} s at most; {before:.0f} MiB before, {resident(slow_server):.0f} after")
    check(outcome)
    assert outcome.statuses[503] > 9 * outcome.statuses[200] > 9 * 5 * SECONDS
    assert (probe.failures, probe.slowest < 1.0) == (0, True)
    assert resident(slow_server) - before < 30
    assert slow_server.metric('modelyard_server_requests_total{code="503"') >= outcome.statuses[503]


def test_the_end_under_overload(slow_server: Served) -> None:
    """Requests that were accepted when the signal comes are answered before the process ends."""
    threading.Timer(1.0, slow_server.process.send_signal, [signal.SIGTERM]).start()
    outcome = asyncio.run(overload(slow_server.port, request(INFER, SMALL), 100, 5.0))
    assert slow_server.process.wait(20) == 0
    assert outcome.statuses[200] > 10
    assert set(outcome.statuses) <= {200, 503}
    # During the drain each answer has "connection: close", then connections are refused: none is cut off.
    assert not [failure for failure in outcome.failures if "Reset" in failure or "ConnectionRefused" in failure]


def test_bodies_that_come_slowly(iris: StoredModel, tmp_path: Path) -> None:
    with running(iris.folder, tmp_path, "--body-seconds", "0.5") as server:
        for head in ("Content-Length: 500", "Transfer-Encoding: chunked"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
                sock.sendall(f"POST {INFER} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
                sock.sendall(b"5\r\n{    \r\n")
                answer = sock.recv(65536)
                assert answer.startswith(b"HTTP/1.1 408 "), answer
                assert b"the body came too slowly" in answer
                assert sock.recv(1) == b"", "the connection is closed"
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
            sock.sendall(b"POST /v2/mod")
            assert sock.recv(1) == b"", "a head that does not come"
        assert server.request("POST", INFER, SMALL)[0] == 200
        assert server.metric("modelyard_server_requests_in_flight") == 0
        assert server.metric('modelyard_server_requests_total{code="408"') == 2


def test_bodies_in_flight_are_bounded(iris_server: Served) -> None:
    """Clients that announce large bodies and send little don't keep memory or places from others for long."""
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {16 * MIB}\r\n\r\n".encode()
    sockets = [socket.create_connection(("127.0.0.1", iris_server.port), timeout=20) for _ in range(6)]
    try:
        for sock in sockets[:4]:
            sock.sendall(head)
        deadline = time.monotonic() + 10
        while iris_server.metric("modelyard_server_requests_in_flight") < 4:
            assert time.monotonic() < deadline
        sockets[4].sendall(head)
        answer = sockets[4].recv(65536)
        assert answer.startswith(b"HTTP/1.1 503 "), answer
        assert b"retry-after: 1" in answer
        assert b"67108864 bytes of requests are in flight" in answer
    finally:
        for sock in sockets:
            sock.close()
    deadline = time.monotonic() + 10
    while iris_server.request("POST", INFER, SMALL)[0] != 200:
        assert time.monotonic() < deadline
    assert iris_server.request("POST", INFER, SMALL.ljust(16 * MIB))[0] == 200


def test_ten_thousand_connections(iris: StoredModel, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = min(10_000, hard - 1000)
    server = Served(iris.folder, tmp_path)  # the process inherits the soft limit, and must raise it itself
    sockets: list[socket.socket] = []
    try:
        server.wait_ready()
        before = resident(server)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        for index in range(number):
            sock = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            sockets.append(sock)
            if index % 2:
                sock.sendall(f"POST {INFER} HTTP/1.1\r\nHost: x\r\nX-Slow: ".encode())
        began = time.monotonic()
        assert server.get("/v2/health/ready")[0] == 200
        assert server.request("POST", INFER, SMALL)[0] == 200
        assert time.monotonic() - began < 1.0
        grown = resident(server) - before
        print(f"{grown / number * 1024:.1f} KiB a connection")
        assert grown < 0.02 * number
        for sock in sockets[:100]:
            sock.close()
        assert server.request("POST", INFER, SMALL)[0] == 200
    finally:
        for sock in sockets:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        server.process.kill()
        server.process.wait()


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (b"1.5,", "at most 1000000 values"),
        (b"[1],", "at most"),
        (b"{},", "at most"),
        (b'"a",', "at most 1000000 values"),
    ],
)
def test_json_that_would_be_large_in_memory(iris: StoredModel, tmp_path: Path, unit: bytes, message: str) -> None:
    """A single request must not exhaust a pod of 512 MiB."""
    head, tail = b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[', b"0]}]}"
    body = head + unit * ((16 * MIB - 100) // len(unit)) + tail
    with running(iris.folder, tmp_path) as server:
        status, answer, _ = server.request("POST", INFER, body)
        assert status == 413
        assert message in answer["error"]
        most = head + unit * (245_000 if b"[" in unit else 95_000 if b"{" in unit else 995_000) + tail
        for _ in range(3):
            assert server.request("POST", INFER, most)[0] == 400
        peak = int(Path(f"/proc/{server.process.pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
        assert peak < 320, f"{peak:.0f} MiB"
