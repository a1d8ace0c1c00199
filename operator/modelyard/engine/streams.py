"""Rewrites kopf's watch requests so that each watch begins where one of our own full lists ended.

By default kopf lists a kind before it watches it. That costs a millisecond of CPU time per object, delays new events
meanwhile, and doesn't report objects that were deleted. kopf can instead ask for the objects in its first watch
(``sendInitialEvents``). This session replaces that parameter with the version of a list made by ``resync``, so every
list has the guarantees that ``resync`` gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any

import aiohttp
from yarl import URL

from modelyard.engine.client import Count, Request, authorization, open_session
from modelyard.engine.resource import Resource
from modelyard.engine.resync import Fed, Resync

APART = 1.0
"""Shortest time in seconds between two watches of the same path: kopf asks again as soon as one has ended."""
LONGEST_TURN = 0.5
"""Longest time in seconds that a pass waits for kopf, so that a flood of events doesn't block all passes."""
CHUNK = 2**16

log = logging.getLogger(__name__)
Scope = tuple[Fed, str | None]


class Streams:
    """Watches of kopf's kinds (``kinds``). A watch that sends nothing for ``silence`` seconds is cut."""

    def __init__(
        self, configuration: Any, resync: Resync, kinds: Collection[Resource], silence: float, count: Count
    ) -> None:
        self._configuration, self._resync, self._silence, self._count = configuration, resync, silence, count
        self._scopes: dict[str, list[Scope]] = {}
        """Path -> the scopes that a watch of it covers. A watch of all namespaces also covers those listed singly."""
        for fed, namespace in resync.scopes():
            if fed.resource in kinds:
                for path in {fed.resource.path(namespace), fed.resource.path()}:
                    self._scopes.setdefault(path, []).append((fed, namespace))
        self._asked: dict[str, float] = {}
        """Path -> when a watch of it was last requested, in monotonic seconds."""
        self._heard: dict[Scope, float] = {}
        """Scope -> when a watch of it last sent bytes, in monotonic seconds."""
        self._taking = 0
        """Number of watches whose events kopf is taking now."""
        self._taken = asyncio.Event()

    def begin(self) -> None:
        """Starts counting silence: kopf should be watching from now on."""
        now = time.monotonic()
        self._heard = {scope: now for scopes in self._scopes.values() for scope in scopes}

    def age(self) -> float:
        """Returns how many seconds the most silent watch has sent nothing; 0 before ``begin``."""
        now = time.monotonic()
        return now - min(self._heard.values(), default=now)

    def session(self) -> aiohttp.ClientSession:
        """Opens the session that kopf uses and closes."""
        return open_session(self._configuration, connections=0, middlewares=(self._send,))

    async def events_first(self) -> None:
        """Waits while kopf takes events that have arrived: a pass would decide without them, and delay them."""
        if self._taking:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_TURN):
                    await self._taken.wait()

    async def _send(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.headers.update(await authorization(self._configuration))
        scopes = self._scopes.get(request.url.path, [])
        if not scopes or "watch" not in request.url.query:
            return await self._answer(request, handler, "get", "discovery")
        request.url = await self._start_at_list(request.url, scopes)
        answer = await self._answer(request, handler, "watch", scopes[0][0].resource.plural)
        if answer.status == 200:
            answer.content = _Lines(self, scopes, answer.content)  # type: ignore[assignment]
        return answer

    async def _start_at_list(self, url: URL, scopes: list[Scope]) -> URL:
        last = self._asked.get(url.path)
        if last is not None:
            await asyncio.sleep(last + APART - time.monotonic())
        self._asked[url.path] = time.monotonic()
        if "sendInitialEvents" not in url.query:
            return url
        if last is not None:  # the first watch continues from the lists made before any pass
            for scope in scopes:
                await self._resync.list_again(*scope)
        version = min(self._resync.version(*scope) for scope in scopes)
        url = url.without_query_params("sendInitialEvents", "resourceVersionMatch")
        return url.update_query(resourceVersion=str(version))

    async def _answer(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType, verb: str, plural: str
    ) -> aiohttp.ClientResponse:
        code = 0
        try:
            async with asyncio.timeout(self._silence):
                answer = await handler(request)
            code = answer.status
            return answer
        finally:
            self._count(Request(verb, plural, request.method, request.url.path), code)

    async def heard(self, scopes: list[Scope], content: aiohttp.StreamReader) -> bytes:
        """Returns the next bytes, empty at the end of the watch. Raises TimeoutError after ``silence`` seconds."""
        try:
            async with asyncio.timeout(self._silence):
                chunk = await content.read(CHUNK)
        except TimeoutError:
            log.info("the watch of %s said nothing for %g s", scopes[0][0].resource, self._silence)
            raise
        self._heard |= dict.fromkeys(scopes, time.monotonic())
        return chunk

    @contextlib.contextmanager
    def taking(self) -> Iterator[None]:
        """Makes passes wait in ``events_first`` while kopf takes events of a watch."""
        self._taking += 1
        self._taken.clear()
        try:
            yield
        finally:
            self._taking -= 1
            if not self._taking:
                self._taken.set()


class _Lines:
    """Body of a watch's answer in whole lines: half a line, where a watch was cut, would make kopf end the process."""

    def __init__(self, streams: Streams, scopes: list[Scope], content: aiohttp.StreamReader) -> None:
        self._streams, self._scopes, self._content = streams, scopes, content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        rest = b""
        while chunk := await self._streams.heard(self._scopes, self._content):
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                with self._streams.taking():
                    yield lines + newline
