"""A client of the API server for tests without an event loop, which returns every answer, refusals included."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.localcluster import access
from tests.support import kubeconfig

Object = dict[str, Any]

JSON, MERGE_PATCH = "application/json", "application/merge-patch+json"
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"
TIMEOUT = 30.0


class Refused(Exception):
    """The API server refused a request; the message is its own."""


@dataclass(frozen=True)
class Answer:
    code: int
    document: Any
    warnings: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 300

    @property
    def message(self) -> str:
        return str(self.document.get("message", ""))


class Client:
    """Sends requests to one cluster, as its admin. Each thread keeps a connection of its own."""

    def __init__(
        self, cluster: str, dumps: Callable[[Any], str] = json.dumps, loads: Callable[[bytes], Any] = json.loads
    ) -> None:
        self.cluster, self._dumps, self._loads = cluster, dumps, loads
        self._credentials = kubeconfig.read(access.kubeconfig(cluster))
        self._connections = threading.local()

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        data = None if body is None else self._dumps(body)
        for last in (False, True):
            connection = self._connection_of_thread()
            try:
                connection.request(method, path, data, {"Content-Type": content_type, **(headers or {})})
                answer = connection.getresponse()
                text = answer.read()
            except (http.client.HTTPException, OSError):
                # The API server may have closed the kept connection: try again with a new one.
                connection.close()
                if last:
                    raise
                continue
            warnings = tuple(answer.headers.get_all("Warning") or ())
            return Answer(answer.status, self._loads(text or b"{}"), warnings, answer.headers)  # type: ignore[arg-type]
        raise AssertionError("unreachable")

    def must(self, method: str, path: str, body: Any = None, content_type: str = JSON) -> Any:
        """Returns the answer's document. Raises Refused if the code is not 2xx."""
        answer = self.send(method, path, body, content_type)
        if not answer.ok:
            raise Refused(f"{method} {path}: {answer.code} {answer.message}")
        return answer.document

    def watch(self, path: str, seconds: int = 300) -> Iterator[Object]:
        """Returns the events from now on; the watch is established before this returns."""
        version = self.must("GET", f"{path}?limit=1")["metadata"]["resourceVersion"]
        connection = self._connect(seconds + 10)
        connection.request("GET", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds={seconds}")
        answer = connection.getresponse()

        def events() -> Iterator[Object]:
            try:
                while line := answer.readline():
                    yield self._loads(line)
            finally:
                connection.close()

        return events()

    def _connection_of_thread(self) -> http.client.HTTPSConnection:
        connection: http.client.HTTPSConnection | None = getattr(self._connections, "connection", None)
        if connection is None:
            connection = self._connections.connection = self._connect(TIMEOUT)
        return connection

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        parts = urlsplit(self._credentials.server)
        return http.client.HTTPSConnection(
            str(parts.hostname), parts.port or 443, timeout=timeout, context=self._credentials.context
        )
