"""HTTP to the tracking server with the standard library: importing a client costs each pod seconds."""

from __future__ import annotations

import http.client
import json
import random
import time
from typing import Any
from urllib.parse import urlsplit

from modelyard_runtime.say import say

TIMEOUT = 30.0
PATIENCE = 90.0
"""Seconds for which a server that is down or busy is asked again; after that the Job's own retries take over."""


class Unavailable(Exception):
    """The server could not be reached, or failed, for as long as we were patient. Worth another try later."""


def nothing_there(status: int, data: bytes) -> bool:
    """MLflow's own 404. Any other one is of a proxy on the way, or of a wrong address, and proves nothing."""
    return status == 404 and b"RESOURCE_DOES_NOT_EXIST" in data


def _busy(status: int, data: bytes) -> bool:
    """MLflow answers 400 when it has no database connection left."""
    return status >= 500 or status == 429 or (status == 400 and b"QueuePool limit" in data)


class Web:
    """One server; keeps its connection. ``request`` raises Unavailable, but not on a 4xx that another try repeats."""

    def __init__(self, base: str, patience: float = PATIENCE) -> None:
        self.base, self.patience = base.rstrip("/"), patience
        parts = urlsplit(self.base)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._address = (str(parts.hostname), parts.port or (443 if self._secure else 80))
        self._connection: http.client.HTTPConnection | None = None

    def request(self, method: str, url: str, body: bytes | None = None, type_: str | None = None) -> tuple[int, bytes]:
        """Status and body. Everything that is sent here may be sent twice."""
        deadline, wait = time.monotonic() + self.patience, 0.2
        while True:
            try:
                status, data = self._once(method, url, body, type_)
                if not _busy(status, data):
                    return status, data
                problem = f"{status} {data[:200].decode(errors='replace')}"
            except (OSError, http.client.HTTPException) as error:
                problem = f"{type(error).__name__}: {error}"
                self._connection = None
            if time.monotonic() + wait > deadline:
                raise Unavailable(f"{method} {url}: {problem}")
            say(f"the tracking server does not answer well ({problem}); asking again")
            time.sleep(wait * random.uniform(0.7, 1.3))
            wait = min(wait * 2, 5.0)

    def json(self, method: str, url: str, document: Any = None) -> Any:
        """A JSON answer. Raises Unavailable for any status but 200, with what the server said."""
        body = None if document is None else json.dumps(document, allow_nan=False).encode()
        status, data = self.request(method, url, body, "application/json")
        if status != 200:
            raise Unavailable(f"{method} {url}: {status} {data[:300].decode(errors='replace')}")
        return json.loads(data)

    def _once(self, method: str, url: str, body: bytes | None, type_: str | None) -> tuple[int, bytes]:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(*self._address, timeout=TIMEOUT)
        headers = {"Content-Type": type_ or "application/octet-stream"} if body is not None else {}
        self._connection.request(method, url.removeprefix(self._origin), body, headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.will_close:
            self._connection.close()
            self._connection = None
        return answer.status, data
