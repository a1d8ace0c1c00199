"""Runs the server as a pod does: as its own process, on a real port of 127.0.0.1."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.common.ports import free_port

NAME, VERSION = "flowers", "3"


class Served:
    """A process ``python -m modelyard_server serve`` for one model's folder or for a repository of models."""

    def __init__(self, folder: Path, scratch: Path, *arguments: str, repository: bool = False) -> None:
        self.port, self.grpc_port = free_port(), free_port()
        self.termination_log = scratch / f"termination-{self.port}"
        self.termination_log.touch()
        self._log = scratch / f"log-{self.port}"
        command = [sys.executable, "-m", "modelyard_server", "serve"]
        single_model = ["--model-dir", str(folder), "--name", NAME, "--model-version", VERSION]
        command += ["--repository", str(folder)] if repository else single_model
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--grpc-port", str(self.grpc_port)]
        command += ["--termination-log", str(self.termination_log), *arguments]
        self.started = time.monotonic()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ)

    @property
    def last_words(self) -> str:
        """Returns the message of the error with which the process ended."""
        return str(json.loads(self.termination_log.read_bytes())["error"]["message"])

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_ready(self, seconds: float = 30.0) -> float:
        """Waits for Ready as a probe does; returns the seconds since the start of the process."""
        while time.monotonic() < self.started + seconds:
            assert self.process.poll() is None, self.log
            try:
                if self.get("/v2/health/ready")[0] == 200:
                    return time.monotonic() - self.started
            except OSError:
                pass
            time.sleep(0.01)
        raise AssertionError(f"not ready in {seconds} s: {self.log}")

    def connect(self, timeout: float = 20.0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        """Sends a request on a new connection; returns the answer's code, body (parsed if it is JSON) and headers."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            data: Any = answer.read()
            if answer.getheader("content-type") == "application/json":
                data = json.loads(data)
            return answer.status, data, answer.headers
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        return self.request("GET", path)[:2]

    def infer(self, document: Any, path: str = f"/v2/models/{NAME}/infer") -> tuple[int, Any]:
        return self.request("POST", path, json.dumps(document).encode())[:2]

    def metric(self, line: str) -> float:
        """Returns the value of the sample that starts with ``line``, or 0 if there is none."""
        for sample in self.get("/metrics")[1].decode().splitlines():
            if sample.startswith(line):
                return float(sample.rsplit(" ", 1)[1])
        return 0.0

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)


@contextmanager
def running(folder: Path, scratch: Path, *arguments: str, repository: bool = False) -> Iterator[Served]:
    """Yields a server that is ready, and kills it at the end."""
    server = Served(folder, scratch, *arguments, repository=repository)
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.kill()
        server.process.wait()


class Clients:
    """Keep-alive clients behind an emulated Service.

    A new connection goes to one of ``endpoints`` and stays there until the server ends it. A failed request is counted
    and never tried again.
    """

    def __init__(self, endpoints: list[Served], body: bytes, number: int = 4) -> None:
        self.endpoints, self._body = endpoints, body
        self.answered: dict[int, int] = {}
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(index,)) for index in range(number)]
        for thread in self._threads:
            thread.start()

    def _run(self, index: int) -> None:
        connection: http.client.HTTPConnection | None = None
        turn = index
        while not self._stop.is_set():
            if connection is None:
                endpoints = self.endpoints
                connection = endpoints[turn % len(endpoints)].connect()
                turn += 1
            try:
                connection.request("POST", f"/v2/models/{NAME}/infer", self._body)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                connection = None
                continue
            if answer.status != 200:
                self.failures.append(str(answer.status))
            self.answered[connection.port] = self.answered.get(connection.port, 0) + 1
            if answer.will_close:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def wait_answered(self, server: Served, more: int = 50) -> None:
        """Waits until ``server`` has answered ``more`` requests more."""
        goal = self.answered.get(server.port, 0) + more
        deadline = time.monotonic() + 20
        while self.answered.get(server.port, 0) < goal:
            assert time.monotonic() < deadline, (self.answered, self.failures)
            time.sleep(0.005)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
