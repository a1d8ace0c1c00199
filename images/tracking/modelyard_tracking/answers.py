"""Answers in the form of MLflow's own errors, and the log of what was refused."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[Any], Awaitable[None]]
CODES = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    409: "RESOURCE_ALREADY_EXISTS",
    413: "INVALID_PARAMETER_VALUE",
    503: "TEMPORARILY_UNAVAILABLE",
    507: "TEMPORARILY_UNAVAILABLE",
}
A_MINUTE = 60
"""Most lines in the log about refusals within a minute."""
NO_SPACE = "No space left on device: enlarge the volume of the tracking server, or delete what is not needed"


class Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


async def send_empty(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def send_refusal(send: Send, refused: Refused) -> None:
    body = json.dumps({"error_code": CODES[refused.status], "message": refused.why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"www-authenticate", b"Bearer")] if refused.status == 401 else []
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Log:
    """Prints one line for each refusal, but only so many a minute: a client in a loop must not hide the others."""

    def __init__(self, say: Callable[[str], None] = lambda line: print(line, flush=True)) -> None:
        self._say, self._minute, self._lines, self._left_out = say, 0.0, 0, 0

    def refusal(self, status: int, who: str, what: str, why: str) -> None:
        now = time.monotonic()
        if now - self._minute >= 60:
            if self._left_out:
                self._say(f"refused: {self._left_out} more")
            self._minute, self._lines, self._left_out = now, 0, 0
        self._lines += 1
        if self._lines > A_MINUTE:
            self._left_out += 1
            return
        # What a client has written stays on one line.
        self._say(f"refused with {status}: {who}: {what[:300]!r}: {why[:300]!r}")
