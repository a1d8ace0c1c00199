"""HTTP requests to the tracking server with the standard library: importing a client would cost each pod seconds."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelyard_api.wire.identity import TOKEN_FILE, authorization
from modelyard_api.wire.redact import redacted
from modelyard_runtime.pod.say import say

TIMEOUT = 30.0
PATIENCE = 30.0
"""Seconds for which a server that is down or busy is asked again while no work could be lost. Then the pod ends, which
its object's status reports, and the Job starts another pod."""
AFTER_WORK = 300.0
"""The same when work could be lost: a fit may have taken hours."""

_MOST_QUOTED = 65536

PIECE = 1024 * 1024
"""Bytes of a file that are read or sent at once."""


class Unavailable(Exception):
    """The server was unreachable or failed for the whole patience. Worth another try later.

    ``full`` means that it answers, but its volume has no space left.
    """

    def __init__(self, message: str, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class Refused(Unavailable):
    """The server takes this pod for nobody, or lets it not do that. Asking again can't help; another pod has another
    identity."""


def nothing_there(status: int, data: bytes) -> bool:
    """Returns whether this is MLflow's own 404. Other 404s come from a proxy or a wrong address and prove nothing."""
    return status == 404 and b"RESOURCE_DOES_NOT_EXIST" in data


def _busy(status: int, data: bytes) -> bool:
    """Returns whether to ask again. MLflow answers 400 when it has no database connection left."""
    return status >= 500 or status == 429 or (status == 400 and b"QueuePool limit" in data)


def _full(status: int, data: bytes) -> bool:
    """Returns whether the server has no space left: the tracking image answers 507, MLflow a 503 with SQLite's message
    or a 500 with PostgreSQL's."""
    return status == 507 or (status >= 500 and (b"disk is full" in data or b"No space left on device" in data))


def quoted(data: bytes, most: int = 300) -> str:
    """Returns the beginning of an answer as a message may quote it."""
    return redacted(data[:_MOST_QUOTED].decode(errors="replace"))[:most]


def _refusal(status: int, data: bytes) -> str:
    """Returns why a request was refused, and what to look at."""
    said = quoted(data)
    if status == 403:
        return f"403 {said}; this pod may do what its own task names: use images of the operator's release"
    return (
        f"401 {said}; see that the tracking server is of the operator's release, that the pod and its service account "
        f"still exist and have a token in {TOKEN_FILE}, and that the nodes' clocks are right"
    )


class Web:
    """Sends requests to one server, called ``name`` in messages, over one kept-alive connection.

    To the tracking server, and to no other, it says who it is, by the ``token`` in a file.
    """

    def __init__(
        self,
        base: str,
        patience: float = PATIENCE,
        name: str = "the tracking server",
        token: Path | None = Path(TOKEN_FILE),
    ) -> None:
        self.base, self.patience, self._name, self._token = base.rstrip("/"), patience, name, token
        parts = urlsplit(self.base)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._address = (str(parts.hostname), parts.port or (443 if self._secure else 80))
        self._connection: http.client.HTTPConnection | None = None

    def request(
        self,
        method: str,
        url: str,
        body: bytes | Path | None = None,
        type_: str | None = None,
        to: Path | None = None,
    ) -> tuple[int, bytes]:
        """Returns status and body. The request must be idempotent, since it may be sent more than once.

        A file is sent piece by piece. With ``to`` the body of an answer of status 200 goes into that file instead.

        Raises Unavailable, and Refused for a 401 or 403, but not for another 4xx that a second try would repeat.
        """
        deadline, wait, full = time.monotonic() + self.patience, 0.2, False
        while True:
            was_kept = self._connection is not None
            try:
                status, data = self._once(method, url, body, type_, to)
                if status in (401, 403) and self._token is not None:
                    raise Refused(f"{method} {url}: {_refusal(status, data)}")
                if not _busy(status, data):
                    return status, data
                # Keep it for later tries: a server that refuses a body may close the connection before all is sent.
                full = full or _full(status, data)
                problem = f"{status} {quoted(data, 200)}"
            except (OSError, http.client.HTTPException) as error:
                problem = f"{type(error).__name__}: {error}"
                self._connection = None
                if was_kept and isinstance(error, ConnectionError):
                    continue  # servers close a connection over which nothing has come for some seconds
            if time.monotonic() + wait > deadline:
                raise Unavailable(f"{method} {url}: {problem}", full)
            say(f"{self._name} does not answer well ({problem}); asking again")
            time.sleep(wait * random.uniform(0.7, 1.3))
            wait = min(wait * 2, 5.0)

    def json(self, method: str, url: str, document: Any = None) -> Any:
        """Returns the JSON answer. Raises Unavailable, with the server's answer, for any status but 200."""
        body = None if document is None else json.dumps(document, allow_nan=False).encode()
        status, data = self.request(method, url, body, "application/json")
        if status != 200:
            raise Unavailable(f"{method} {url}: {status} {quoted(data)}")
        return json.loads(data)

    def _once(
        self, method: str, url: str, body: bytes | Path | None, type_: str | None, to: Path | None
    ) -> tuple[int, bytes]:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(*self._address, timeout=TIMEOUT, blocksize=PIECE)
        headers = authorization(self._token)
        if body is not None:
            headers["Content-Type"] = type_ or "application/octet-stream"
        path = url.removeprefix(self._origin)
        if isinstance(body, Path):
            headers["Content-Length"] = str(body.stat().st_size)
            with body.open("rb") as file:
                self._connection.request(method, path, file, headers)
        else:
            self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        if to is not None and answer.status == 200:
            data = b""
            with to.open("wb") as file:
                shutil.copyfileobj(answer, file, PIECE)
            if answer.length:  # reading piece by piece doesn't report a connection that ended early
                raise http.client.IncompleteRead(b"", answer.length)
        else:
            data = answer.read()
        if answer.will_close:
            self._connection.close()
            self._connection = None
        return answer.status, data
