"""A client of the API server for tests with an event loop, with many concurrent requests (others use ``client``)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import aiohttp

from tests.support import kubeconfig


class Api:
    """Sends requests to the API server of the kubeconfig that KUBECONFIG names, as its user."""

    def __init__(self) -> None:
        path = os.environ.get("KUBECONFIG")
        assert path, "KUBECONFIG must name the test cluster's kubeconfig (make test sets it)"
        credentials = kubeconfig.read(Path(path))
        self.server, self._ssl = credentials.server, credentials.context
        self.session: aiohttp.ClientSession

    async def __aenter__(self) -> Api:
        connector = aiohttp.TCPConnector(ssl=self._ssl, limit=0)
        self.session = aiohttp.ClientSession(
            connector=connector, headers={"Accept-Encoding": "identity"}, read_bufsize=2**21
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def __call__(
        self, method: str, path: str, body: Any = None, content: str = "application/merge-patch+json"
    ) -> Any:
        """Returns the answer's document. Raises AssertionError with the API server's message if the code is not 2xx."""
        headers = {"Content-Type": content if method == "PATCH" else "application/json"}
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, self.server + path, data=data, headers=headers) as answer:
            document = await answer.json()
            assert answer.status < 300, f"{method} {path}: {document.get('message')}"
            return document

    async def find(self, path: str) -> Any | None:
        """Returns the document at this path, or None if the API server answers 404."""
        async with self.session.get(self.server + path) as answer:
            return None if answer.status == 404 else await answer.json()
