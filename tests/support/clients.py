"""Clients that send inference requests at a steady rate over a few kept connections, by REST or gRPC, and count every
answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

TIMEOUT = 10
"""Longest time in seconds that a client waits for an answer."""


class Connection(Protocol):
    def ask(self) -> str:
        """Returns the version of the model that answered. Raises OSError, HTTPException, ValueError or RpcError."""

    def close(self) -> None:
        """Closes the connection; the next ``ask`` opens a new one."""


class Clients:
    """A context in which ``connections`` threads send ``rate`` requests per second in all."""

    def __init__(self, connect: Callable[[], Connection], rate: float = 60, connections: int = 4) -> None:
        self._connect, self._pause = connect, connections / rate
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answers: list[tuple[float, str]] = []
        """(Monotonic time in seconds, model version) of every answer."""
        self.failures: list[str] = []
        """A text for each failed request, with the seconds since the clients began."""
        self._began = 0.0
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(connections)]

    def __enter__(self) -> Clients:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2 * TIMEOUT)

    def since(self, moment: float, until: float = float("inf")) -> Counter[str]:
        """Counts the answers by model version between two moments of ``time.monotonic``."""
        with self._lock:
            return Counter(version for when, version in self.answers if moment <= when < until)

    def _work(self) -> None:
        connection = self._connect()
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                version = connection.ask()
                with self._lock:
                    self.answers.append((time.monotonic(), version))
            except (OSError, http.client.HTTPException, ValueError, grpc.RpcError) as error:
                connection.close()
                with self._lock:
                    self.failures.append(f"{time.monotonic() - self._began:.2f} s {error!r}")
            due = max(due + self._pause, time.monotonic() - 1)
            self._stop.wait(max(0.0, due - time.monotonic()))
        connection.close()


class Rest:
    """A connection in the protocol's REST form.

    ``hostname`` is the value of the Host header; ``identified`` gives each request an id of its own.
    """

    def __init__(
        self,
        address: tuple[str, int],
        hostname: str,
        model: str,
        body: Any,
        headers: dict[str, str] | None = None,
        identified: bool = False,
    ) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=TIMEOUT)
        self._path, self._body, self._identified = f"/v2/models/{model}/infer", body, identified
        self._headers = {"Host": hostname, "Content-Type": "application/json", **(headers or {})}

    def ask(self) -> str:
        body = self._body | {"id": uuid.uuid4().hex} if self._identified else self._body
        self._connection.request("POST", self._path, json.dumps(body).encode(), self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise ValueError(f"{answer.status} {text[:200]!r}")
        return str(json.loads(text)["model_version"])

    def close(self) -> None:
        self._connection.close()


class Grpc:
    """A connection in the protocol's gRPC form, with Triton's messages. ``body`` is REST's, with FP32 inputs only."""

    def __init__(self, address: tuple[str, int], hostname: str, model: str, body: Any) -> None:
        self._channel = grpc.insecure_channel(
            f"{address[0]}:{address[1]}",
            # By default all channels of a process to one address share a connection.
            options=[("grpc.default_authority", hostname), ("grpc.use_local_subchannel_pool", 1)],
        )
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        self._request = service_pb2.ModelInferRequest(model_name=model)
        for column in body["inputs"]:
            tensor = self._request.inputs.add(name=column["name"], datatype=column["datatype"], shape=column["shape"])
            tensor.contents.fp32_contents.extend(column["data"])

    def ask(self) -> str:
        return str(self._stub.ModelInfer(self._request, timeout=TIMEOUT).model_version)

    def close(self) -> None:
        # Keep the channel: it connects again by itself after a failed call, and ends with the process.
        pass
