from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine.client import ApiClient
from modelyard.engine.lease import DURATION, Lease
from tests.unit.engine.server import serving


class Leases:
    """An API server that holds a single Lease."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.requests: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.method)
        body = await request.json() if request.can_read_body else {}
        if request.method == "GET":
            return _error(404, "NotFound") if self.lease is None else web.json_response(self.lease)
        if request.method == "POST":
            if self.lease is not None:
                return _error(409, "AlreadyExists")
            self.lease = {"metadata": {"resourceVersion": "1"}, "spec": body["spec"]}
            return web.json_response(self.lease)
        assert self.lease is not None
        if body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            return _error(409, "Conflict")
        self.write(**body["spec"])
        return web.json_response(self.lease)

    def write(self, **spec: Any) -> None:
        assert self.lease is not None
        version = str(int(self.lease["metadata"]["resourceVersion"]) + 1)
        self.lease = {"metadata": {"resourceVersion": version}, "spec": {**self.lease["spec"], **spec}}


def _error(code: int, reason: str) -> web.Response:
    return web.json_response({"reason": reason, "message": "no"}, status=code)


class Lost(Exception):
    pass


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def leases(*identities: str) -> AsyncIterator[tuple[Leases, Clock, list[Lease]]]:
    server, clock = Leases(), Clock()

    def lost(message: str) -> NoReturn:
        raise Lost(message)

    async with serving(server) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration)
        try:
            yield server, clock, [Lease(client, "ns", "lease", identity, lost, clock) for identity in identities]
        finally:
            await client.close()


async def test_a_lease_that_is_held_is_renewed_by_one_write() -> None:
    async with leases("a") as (server, _, (a,)):
        assert await a._attempt()
        server.requests.clear()
        assert await a._attempt()
        assert server.requests == ["PATCH"]
        assert a.version == 2


async def test_who_comes_second_waits_until_the_lease_stands_still_for_its_duration() -> None:
    async with leases("a", "b") as (_, clock, (a, b)):
        assert await a._attempt()
        assert not await b._attempt()
        clock.now += DURATION - 1
        assert await a._attempt()
        clock.now += DURATION - 1
        assert not await b._attempt(), "it was renewed in between"
        clock.now += DURATION - 1
        assert not await b._attempt()
        clock.now += 2
        assert await b._attempt()


async def test_one_that_wakes_up_after_its_lease_was_taken_knows_at_its_next_write() -> None:
    async with leases("a", "b") as (server, clock, (a, b)):
        assert await a._attempt()
        assert not await b._attempt()
        clock.now += DURATION + 1
        assert await b._attempt()
        assert not await a._attempt(), "its write is of a version that is gone"
        assert not await a._attempt()
        assert a.holder == "b"
        assert server.lease is not None
        assert server.lease["spec"]["holderIdentity"] == "b"


async def test_the_same_identity_goes_on_at_once() -> None:
    async with leases("a", "a") as (_, _, (before, after)):
        assert await before._attempt()
        assert await after._attempt()


async def test_a_released_lease_is_free() -> None:
    async with leases("a", "b") as (_, _, (a, b)):
        assert await a._attempt()
        await a.release()
        assert await b._attempt()


async def test_a_process_whose_lease_was_taken_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leases("a") as (server, clock, (a,)):
        await a.acquire()
        server.write(holderIdentity="b")

        async def sleep(seconds: float) -> None:
            clock.now += seconds

        monkeypatch.setattr(asyncio, "sleep", sleep)
        with pytest.raises(Lost, match="b took the lease"):
            await a.keep()


async def test_a_shorter_lease_is_free_sooner() -> None:
    async with leases("a", "b") as (server, clock, (a, b)):
        short = Lease(a._client, "ns", "lease", "short", a._lost, clock, duration=3)
        assert await short._attempt()
        assert server.lease is not None
        assert server.lease["spec"]["leaseDurationSeconds"] == 3
        assert not await b._attempt()
        clock.now += 3.1
        assert await b._attempt(), "its holder's duration counts, not one's own"


async def test_after_its_time_nothing_may_be_written() -> None:
    """After the lease's duration, spent asleep or without an answer, nothing may be written; nobody takes it before."""
    async with leases("a", "b") as (_, clock, (a, b)):
        assert not a.holds()
        await a.acquire()
        assert not await b._attempt()
        clock.now += DURATION - 0.1
        assert a.holds()
        assert not await b._attempt()
        clock.now += 0.2
        assert not a.holds()
        assert await b._attempt()
        assert b.holds()
