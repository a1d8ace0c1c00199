"""A started server: measures its start and its load, and checks that it answers as scikit-learn does."""

from __future__ import annotations

import dataclasses
import http.client
import time
from pathlib import Path

from tests.common.ports import free_port
from tests.common.say import CannotRun
from tests.harness.bench.serving import bodies, load
from tests.harness.bench.serving.kinds import Kind
from tests.harness.bench.serving.models import BenchModel
from tests.harness.bench.serving.servers import ECHO, Server, environment
from tests.support.tree import Tree

SERVER_CPU, LOAD_CPU = 0, 1
READY_SECONDS = 120.0


class Running:
    """One server with one model, paused whenever it is not measured. Raises CannotRun if it doesn't get ready."""

    def __init__(self, server: Server, model: BenchModel, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.server, self.model, self.folder, self.port = server, model, folder, free_port()
        argv = server.start(model, self.port, folder)
        self.tree = Tree(argv, folder / "log", SERVER_CPU, environment(Path(argv[0])))
        try:
            self.ready_seconds = self._wait_ready()
        except BaseException:
            self.tree.stop()
            raise

    def _wait_ready(self) -> float:
        while True:
            if self._ready():
                return time.monotonic() - self.tree.began
            if self.tree.ended or time.monotonic() - self.tree.began > READY_SECONDS:
                raise self._failed("is not ready")
            time.sleep(0.01)

    def _ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", self.server.ready)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, body: bodies.Body, size: int = 0) -> tuple[int, bytes, dict[str, str]]:
        """Sends a request, and returns the answer's status, body and headers (names in lower case)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", self.server.path.format(size=size), body.data, body.headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}

    def answers(self, kind: Kind) -> bool:
        """Returns whether it accepts requests of this kind. Raises CannotRun if its labels are not scikit-learn's."""
        if self.server.name == ECHO:
            return True
        for rows, labels in kind.batches(self.model):
            status, data, headers = self.ask(kind.body(self.server, self.model, rows))
            if status != 200:
                if kind.optional:
                    return False
                raise self._failed(f"answers {kind.name} with {status} {data[:300]!r}")
            if (predicted := bodies.labels(data, headers)) != labels:
                raise self._failed(f"answers {kind.name} with {predicted}, scikit-learn with {labels}")
        return True

    def answer_size(self, kind: Kind) -> int:
        """Returns the size of an answer's body in bytes."""
        rows, _ = kind.batches(self.model)[0]
        return len(self.ask(kind.body(self.server, self.model, rows))[1])

    def requests(self, kind: Kind, size: int) -> list[Path]:
        """Writes files of whole requests for the load generator, and returns their paths."""
        files = []
        for number, (rows, _) in enumerate(kind.batches(self.model)):
            body = kind.body(self.server, self.model, rows)
            files.append(self.folder / f"{kind.name}-{number}")
            files[-1].write_bytes(
                load.raw(f"127.0.0.1:{self.port}", self.server.path.format(size=size), body.headers, body.data)
            )
        return files

    def under_load(self, requests: list[Path], connections: int, seconds: int) -> load.Round:
        before, began = self.tree.cpu_seconds(), time.monotonic()
        done = load.drive(self.port, requests, connections, seconds, LOAD_CPU)
        used, took = self.tree.cpu_seconds() - before, time.monotonic() - began
        return dataclasses.replace(done, cpu_percent=100 * used / took, cpu_us=1e6 * used / max(done.rate * seconds, 1))

    def _failed(self, what: str) -> CannotRun:
        tail = "\n".join(self.tree.log.read_text(errors="replace").splitlines()[-15:])
        return CannotRun(f"{self.server.name} with {self.model.name} {what}; the end of its log:\n{tail}")
