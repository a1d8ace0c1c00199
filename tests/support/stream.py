"""One watch between the API server and the operator, with the faults that a bad network may cause."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

Drops = Callable[[dict[str, Any]], bool]


class Stream:
    """Passes on the lines of one watch. While ``held`` they wait in order until ``release``; a stream that is never
    released is frozen."""

    def __init__(self, plural: str, answer: aiohttp.ClientResponse, drops: Drops | None) -> None:
        self.plural, self.held = plural, False
        self._answer, self._drops = answer, drops
        self._lines: deque[bytes] = deque()
        self._ended = False
        self._last: bytes | None = None
        """The last bytes before the stream ends, sent instead of the waiting lines; None while it goes on."""
        self._cut = False
        self._wake = asyncio.Event()

    def hold(self) -> None:
        self.held = True

    def release(self) -> None:
        self.held = False
        self._wake.set()

    def error(self, code: int) -> None:
        """Ends the stream with an ERROR event; the waiting lines are lost."""
        reason = "Expired" if code == 410 else "InternalError"
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
        self._last = json.dumps({"type": "ERROR", "object": {**status, "message": "so it is told"}}).encode() + b"\n"
        self._wake.set()

    def close(self) -> None:
        """Ends the stream, as the API server does after the requested time."""
        self._last = b""
        self._wake.set()

    def cut(self) -> None:
        """Breaks the connection in the middle of the next line."""
        self._cut = True

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "application/json"})
        await out.prepare(request)
        reader = asyncio.create_task(self._read())
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._last is not None:
                    await out.write(self._last)
                    return out
                while self._lines and not self.held:
                    line = self._lines.popleft()
                    if self._cut:
                        await out.write(line[: len(line) // 2])
                        raise ConnectionResetError
                    if self._drops is None or not self._drops(json.loads(line)):
                        await out.write(line)
                if self._ended and not self._lines:
                    return out
        finally:
            reader.cancel()

    async def _read(self) -> None:
        try:
            while line := await self._answer.content.readline():
                self._lines.append(line)
                self._wake.set()
        except aiohttp.ClientError:
            pass
        self._ended = True
        self._wake.set()
