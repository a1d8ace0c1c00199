"""The API server over plain HTTP with a client certificate: for clocks that stop at a watch event."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.localcluster import access


class Rest:
    def __init__(self, cluster: str) -> None:
        config = yaml.safe_load(Path(access.kubeconfig(cluster)).read_text())
        server, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        parts = urlsplit(server["server"])
        self.host, self.port = str(parts.hostname), int(parts.port or 443)
        authority = base64.b64decode(server["certificate-authority-data"]).decode()
        self.context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile("wb", suffix=".pem") as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]) + b"\n")
            pem.write(base64.b64decode(user["client-key-data"]))
            pem.flush()
            self.context.load_cert_chain(pem.name)
        self._writes = self._connect(30)

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.context)

    def _json(self, connection: http.client.HTTPSConnection, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        document = json.loads(answer.read())
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {document.get('message')}")
        return document

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._json(self._writes, "POST", path, body)

    def watch(self, path: str, seconds: int = 300) -> Iterator[dict[str, Any]]:
        """Events after now; the watch is established before this returns."""
        connection = self._connect(seconds + 10)
        version = self._json(connection, "GET", f"{path}?limit=1")["metadata"]["resourceVersion"]
        connection.request("GET", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds={seconds}")
        answer = connection.getresponse()

        def events() -> Iterator[dict[str, Any]]:
            try:
                while line := answer.readline():
                    yield json.loads(line)
            finally:
                connection.close()

        return events()
