"""Checks what the feed does when a watch ends in the middle of a line, with an error, or falls silent."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine import feed as module
from modelyard.engine.client import ApiClient
from modelyard.engine.feed import Feed
from modelyard.engine.metrics import Metrics
from modelyard.engine.resync import Fed, Resync
from modelyard.engine.store import Store
from tests.support.until import until
from tests.unit.engine.objects import WIDGETS, widget
from tests.unit.engine.server import serving

Event = dict[str, Any]


class Api:
    """Serves lists of version 10, 20, ... Each watch sends the next of ``watches`` and ends; the last stays open."""

    def __init__(self, *watches: list[bytes] | int) -> None:
        self.watches, self.lists = list(watches), 0
        self.watched_from: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.lists += 1
            return web.json_response({"metadata": {"resourceVersion": str(10 * self.lists)}, "items": []})
        self.watched_from.append(request.query["resourceVersion"])
        script = self.watches.pop(0) if self.watches else []
        if isinstance(script, int):
            return web.json_response({"code": script, "reason": "Expired", "message": "no"}, status=script)
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in script:
            await answer.write(piece)
            await asyncio.sleep(0)
        if not self.watches:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        return answer


@contextlib.asynccontextmanager
async def fed(api: Api, silence: float = 60) -> AsyncIterator[Store]:
    async with serving(api) as url:
        client, store = ApiClient(Configuration(host=url)), Store()
        resync = Resync(client, store, [Fed(WIDGETS)], (), Metrics())
        await resync.first(0)
        task = asyncio.create_task(Feed(client, store, resync, {WIDGETS}, silence).run())
        try:
            yield store
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await client.close()


def event(type_: str, obj: Event) -> bytes:
    return json.dumps({"type": type_, "object": obj}).encode() + b"\n"


ADDED = event("ADDED", widget("a", 12))
BOOKMARK = event("BOOKMARK", {"metadata": {"resourceVersion": "15"}})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_pauses", lambda: iter([0.001] * 100))


@pytest.mark.parametrize(
    ("watches", "versions", "lists"),
    [
        pytest.param([[ADDED]], ["10"], 1, id="from the list's version on"),
        pytest.param([[ADDED], []], ["10", "12"], 1, id="ended: on from the last version"),
        pytest.param([[ADDED, BOOKMARK], []], ["10", "15"], 1, id="a bookmark is a version too"),
        pytest.param([[ADDED, BOOKMARK[:20]], []], ["10", "12"], 1, id="cut in the middle of a line"),
        pytest.param([[ADDED[:20], ADDED[20:] + BOOKMARK], []], ["10", "15"], 1, id="a line in two pieces"),
        pytest.param([[ADDED, b"<html>\n"], []], ["10", "12"], 1, id="not an event"),
        pytest.param([410, [event("ADDED", widget("a", 25))]], ["10", "20"], 2, id="410: a new list first"),
        pytest.param([500, [event("ADDED", widget("a", 25))]], ["10", "20"], 2, id="500: a new list too"),
        pytest.param(
            [[event("ERROR", {"code": 410, "message": "too old"})], [event("ADDED", widget("a", 25))]],
            ["10", "20"],
            2,
            id="an event that says 410",
        ),
    ],
)
async def test_a_watch_goes_on(watches: list[list[bytes] | int], versions: list[str], lists: int) -> None:
    api = Api(*watches)
    async with fed(api) as store:

        async def all_begun() -> bool:
            return len(api.watched_from) == len(versions) and store.count(WIDGETS) == 1

        await until("all watches were begun", all_begun, 10)
    assert (api.watched_from, api.lists) == (versions, lists)


async def test_a_watch_that_falls_silent_is_begun_anew() -> None:
    api = Api([ADDED])
    async with fed(api, silence=0.2):

        async def again() -> bool:
            return len(api.watched_from) >= 2

        await until("a second watch", again, 10)
    assert api.watched_from[:2] == ["10", "12"]


async def test_an_object_that_cannot_be_taken_stops_no_other() -> None:
    strange = event("ADDED", {"metadata": {"resourceVersion": "11"}})
    async with fed(
        Api([strange + ADDED + event("DELETED", widget("a", 13)) + event("ADDED", widget("b", 14))])
    ) as store:

        async def last_applied() -> bool:
            return [obj["metadata"]["name"] for obj in store.list(WIDGETS)] == ["b"]

        await until("the last event", last_applied, 10)
