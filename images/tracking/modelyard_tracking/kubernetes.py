"""The two requests to the API server by which clients are known: a TokenReview, and a pod."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import aiohttp

from modelyard_api.wire.identity import AUDIENCE

FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=3)
_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


class Away(Exception):
    """The API server can't be asked now."""


class Kubernetes:
    """``folder`` holds the server's own token, which is read anew each time since it rotates, and ``ca.crt``."""

    def __init__(self, folder: Path = FOLDER) -> None:
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
        self._base = f"https://{f'[{host}]' if ':' in host else host}:{os.environ.get('KUBERNETES_SERVICE_PORT', 443)}"
        self._folder, self._is_inside = folder, bool(host)
        self._session: aiohttp.ClientSession | None = None

    async def review(self, token: str) -> dict[str, Any]:
        """Returns the status of a TokenReview. Raises Away."""
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [AUDIENCE]},
        }
        return dict((await self._ask("POST", _REVIEWS, review)).get("status") or {})

    async def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        """Returns a pod, or None if there is none. Raises Away."""
        return await self._ask("GET", f"/api/v1/namespaces/{namespace}/pods/{name}") or None

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Returns the answer's document, which is empty if there is nothing at the path."""
        if not self._is_inside:
            raise Away("there is no API server: the tracking server runs outside of a cluster")
        try:
            if self._session is None:
                context = ssl.create_default_context(cafile=self._folder / "ca.crt")
                self._session = aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(ssl=context), timeout=_TIMEOUT, raise_for_status=False
                )
            headers = {"Authorization": f"Bearer {(self._folder / 'token').read_text().strip()}"}
            async with self._session.request(method, self._base + path, json=body, headers=headers) as answer:
                if answer.status == 404 and method == "GET":
                    return {}
                if answer.status >= 300:
                    raise Away(f"{method} {path}: the API server answers {answer.status}")
                return dict(await answer.json())
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Away(f"{method} {path}: {type(error).__name__}") from error
