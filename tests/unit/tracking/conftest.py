"""The guarded server, reached as pods reach it: by an address that is no loopback."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelyard_api.fields.artifact import SCHEME
from tests.common.ports import own_address
from tests.support.tracking import Tracking
from tests.unit.tracking.tokens import OPERATOR, made

FILE_BYTES, NAMESPACE_BYTES = 3_000_000, 40_000_000


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Sends requests with a token, or without."""

    host: str
    port: int
    token: str | None = None
    store: int = 0
    """Of the two servers: 0 is that with files, 1 that with another store."""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port + self.store, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        # MLflow refuses the names of hosts that it doesn't know.
        headers |= {"Host": "localhost"}
        if isinstance(body, dict):
            body, headers = json.dumps(body), {"Content-Type": "application/json"} | headers
        try:
            connection.request(method, path, body, headers, encode_chunked="Transfer-Encoding" in headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), answer.headers)
        finally:
            connection.close()

    def file(self, method: str, path: str, body: bytes | None = None) -> Answer:
        return self.send(method, f"/api/2.0/mlflow-artifacts/artifacts/{path}", body)

    def call(self, route: str, body: dict[str, Any]) -> Answer:
        return self.send("POST", f"/api/2.0/mlflow/{route}", body)


class World:
    """The server's folder, and clients of it."""

    def __init__(self, server: Tracking, host: str) -> None:
        self.folder, self.port, self._host = server.folder, int(server.url.rpartition(":")[2]), host

    def nobody(self) -> Client:
        return Client(self._host, self.port)

    def person(self) -> Client:
        return Client("127.0.0.1", self.port)

    def operator(self, store: int = 0) -> Client:
        return Client(self._host, self.port, made(OPERATOR, "o"), store)

    def pod(self, uid: str, namespace: str = "team", store: int = 0, **task: Any) -> Client:
        """A pod that trains for the object of this uid."""
        base = f"{SCHEME}modelyard/{namespace}/{uid}"
        document = {
            "kind": "Train",
            "subject": {"namespace": namespace, "name": f"run-{uid}", "uid": uid},
            "baseURI": base,
            "resultURI": f"{base}/result.json",
            "model": "species",
            **task,
        }
        annotations = {"modelyard.dev/task": json.dumps(document)}
        token = made(f"system:serviceaccount:{namespace}:default", f"{namespace}-{uid}", annotations=annotations)
        return Client(self._host, self.port, token, store)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    host = own_address()
    if host is None:
        pytest.skip("this machine has no address but its loopback, so nothing here can come from elsewhere")
    folder: Path = tmp_path_factory.mktemp("guarded")
    (folder / "uploads" / "left").mkdir(parents=True)
    (folder / "uploads" / "left" / "of-a-crash").write_bytes(b"half")
    arguments = ("--host", "0.0.0.0", "--file-bytes", str(FILE_BYTES), "--namespace-bytes", str(NAMESPACE_BYTES))
    with Tracking(folder, *arguments, module="tests.unit.tracking.inside") as server:
        yield World(server, host)
