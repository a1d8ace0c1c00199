"""kopf's watches of our kinds on the wire: each begins where a whole list of ours ended.

By itself kopf lists a kind before it watches it: a millisecond of CPU time for each object, in which nothing new of the
kind is seen, and what is gone is not told. It can leave that to its first watch (``sendInitialEvents``), in which this
session puts the version of a list of ours instead. So every list is one of ``resync``, with all that it makes sure of.
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
"""Seconds from one watch of the same objects to the next at least: kopf asks again at once when one has ended."""
LONGEST_TURN = 0.5
"""Seconds that a pass waits for kopf at most, so that a flood of events doesn't stop all of them."""
CHUNK = 2**16

log = logging.getLogger(__name__)
Scope = tuple[Fed, str | None]


class Streams:
    """``kinds``: what kopf watches. One of its watches that says nothing for ``silence`` seconds is cut."""

    def __init__(
        self, configuration: Any, resync: Resync, kinds: Collection[Resource], silence: float, count: Count
    ) -> None:
        self._configuration, self._resync, self._silence, self._count = configuration, resync, silence, count
        self._scopes: dict[str, list[Scope]] = {}
        """Path -> what a watch there tells of. One of all namespaces tells of those that are listed by themselves."""
        for fed, namespace in resync.scopes():
            if fed.resource in kinds:
                for path in {fed.resource.path(namespace), fed.resource.path()}:
                    self._scopes.setdefault(path, []).append((fed, namespace))
        self._asked: dict[str, float] = {}
        """Path -> when a watch there was last asked for, in monotonic seconds."""
        self._heard: dict[Scope, float] = {}
        self._taking = 0
        """How many watches' events kopf takes right now."""
        self._taken = asyncio.Event()

    def begin(self) -> None:
        """From now on kopf should watch."""
        now = time.monotonic()
        self._heard = {scope: now for scopes in self._scopes.values() for scope in scopes}

    def age(self) -> float:
        """Seconds since the last word of the watch that has been silent for longest; 0 before ``begin``."""
        now = time.monotonic()
        return now - min(self._heard.values(), default=now)

    def session(self) -> aiohttp.ClientSession:
        """For kopf, which closes it."""
        return open_session(self._configuration, connections=0, middlewares=(self._send,))

    async def events_first(self) -> None:
        """Wait while kopf takes events that have arrived: a pass would decide without them, and make them wait."""
        if self._taking:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_TURN):
                    await self._taken.wait()

    async def _send(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.headers.update(await authorization(self._configuration))
        scopes = self._scopes.get(request.url.path, [])
        if not scopes or "watch" not in request.url.query:
            return await self._answer(request, handler, "get", "discovery")
        request.url = await self._begun_at_a_list(request.url, scopes)
        answer = await self._answer(request, handler, "watch", scopes[0][0].resource.plural)
        if answer.status == 200:
            answer.content = _Lines(self, scopes, answer.content)  # type: ignore[assignment]
        return answer

    async def _begun_at_a_list(self, url: URL, scopes: list[Scope]) -> URL:
        last = self._asked.get(url.path)
        if last is not None:
            await asyncio.sleep(last + APART - time.monotonic())
        self._asked[url.path] = time.monotonic()
        if "sendInitialEvents" not in url.query:
            return url
        if last is not None:  # the very first goes on from the lists that were made before any pass
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
        """The next bytes, nothing at the end. Raises TimeoutError after ``silence`` seconds without any."""
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
        """While kopf takes what a watch has told."""
        self._taking += 1
        self._taken.clear()
        try:
            yield
        finally:
            self._taking -= 1
            if not self._taking:
                self._taken.set()


class _Lines:
    """A watch's answer. kopf gets whole lines only: a half one, where the watch was cut, would end the process."""

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
