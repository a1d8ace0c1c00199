"""Checks kopf's watches: they begin where our lists ended, resume, end the process, or fail the liveness probe."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from modelyard.engine import lifecycle
from modelyard.engine import streams as module
from modelyard.engine.plan import Facts, Plan
from modelyard.engine.process import Process, Settings, Times
from modelyard.engine.resource import Key, Object, Resource
from modelyard.engine.store import Store
from tests.support.until import until
from tests.unit.engine.api import Api, error, event
from tests.unit.engine.objects import WIDGETS, key, widget
from tests.unit.engine.server import serving


@dataclass
class Controller:
    """A controller of widgets that plans nothing; ``passes`` holds the names of those it decided on."""

    resource: Resource = WIDGETS
    watches: tuple[Resource, ...] = ()
    passes: list[str] = field(default_factory=list)

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        return {}

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        return []

    def observe(self, store: Store, key: Key) -> str:
        return key.name

    def decide(self, view: str, facts: Facts, now: datetime) -> Plan:
        self.passes.append(view)
        return Plan()


class Operator:
    """Runs the whole operator in the test's own process."""

    def __init__(self, url: str, silence: float, namespaces: tuple[str, ...]) -> None:
        self.controller = Controller()
        settings = Settings("system", "me", "http://127.0.0.1:1", namespaces, port=0, times=Times(silence=silence))
        self.process = Process(settings, Configuration(host=url), [self.controller])
        self.task = asyncio.create_task(lifecycle.run(self.process))

    async def names(self) -> list[str]:
        return [obj["metadata"]["name"] for obj in self.process.store.list(WIDGETS)]


@contextlib.asynccontextmanager
async def operator(api: Api, silence: float = 60, namespaces: tuple[str, ...] = ()) -> AsyncIterator[Operator]:
    async with serving(api) as url:
        running = Operator(url, silence, namespaces)
        try:
            yield running
        finally:
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)
            await running.process.stop()


def api_with(*watches: list[bytes] | int) -> Api:
    api = Api(WIDGETS)
    api.watches[WIDGETS.plural] = list(watches)
    return api


ADDED = event("ADDED", widget("a", 12))
BOOKMARK = event("BOOKMARK", {"metadata": {"resourceVersion": "15"}})
LATER = event("ADDED", widget("a", 25))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "APART", 0.01)


@pytest.mark.parametrize(
    ("watches", "versions", "lists"),
    [
        pytest.param([[ADDED]], ["10"], 1, id="from the list's version on"),
        pytest.param([[ADDED], []], ["10", "12"], 1, id="ended: on from the last version"),
        pytest.param([[ADDED, BOOKMARK], []], ["10", "15"], 1, id="a bookmark is a version too"),
        pytest.param([[ADDED, BOOKMARK[:20]], []], ["10", "12"], 1, id="cut in the middle of a line"),
        pytest.param([[ADDED[:20], ADDED[20:] + BOOKMARK], []], ["10", "15"], 1, id="a line in two pieces"),
        pytest.param([[error(410)], [LATER]], ["10", "20"], 2, id="an event that says 410: a new list first"),
        pytest.param([503, [LATER]], ["10", "20"], 2, id="503: tried again, from a new list"),
    ],
)
async def test_a_watch_goes_on(watches: list[list[bytes] | int], versions: list[str], lists: int) -> None:
    api = api_with(*watches)
    async with operator(api) as running:

        async def all_begun() -> bool:
            return len(api.watched_from["widgets"]) == len(versions) and await running.names() == ["a"]

        await until("all watches were begun", all_begun, 20)
        assert (api.watched_from["widgets"], api.lists["widgets"]) == (versions, lists)
        assert all("sendInitialEvents" not in query for query in api.queries), "the API server has nothing to repeat"
        await until("it was looked at", _passed(running), 10)


def _passed(running: Operator) -> Any:
    async def passed() -> bool:
        return running.controller.passes == ["a"]

    return passed


@pytest.mark.parametrize(
    "watches",
    [
        pytest.param([[error(500)]], id="an event that says 500"),
        pytest.param([404], id="404"),
        pytest.param([410], id="410"),
        pytest.param([[b"<html>\n"]], id="not an event"),
    ],
)
async def test_what_kopf_does_not_survive_ends_the_process(watches: list[list[bytes] | int]) -> None:
    api = api_with(*watches, [])
    async with operator(api) as running:
        async with asyncio.timeout(20):
            done, _ = await asyncio.wait([running.task])
        assert [type(task.exception()) for task in done] != [type(None)], "its code says that it failed"
        assert api.lease
        assert api.lease["spec"]["holderIdentity"] == "", "whoever comes next needn't wait"


async def test_what_was_deleted_while_no_watch_told_is_gone_after_410() -> None:
    api = api_with([ADDED, error(410)], [])
    async with operator(api) as running:

        async def gone() -> bool:
            return api.lists["widgets"] == 2 and await running.names() == []

        await until("the list that lacks it", gone, 20)


async def test_a_watch_that_falls_silent_is_begun_anew() -> None:
    api = api_with([ADDED])
    async with operator(api, silence=0.3):

        async def again() -> bool:
            return len(api.watched_from["widgets"]) >= 2

        await until("a second watch", again, 20)
    assert api.watched_from["widgets"][:2] == ["10", "12"]


async def test_an_object_that_cannot_be_taken_stops_no_other() -> None:
    strange = event("ADDED", {"metadata": {"resourceVersion": "11", "uid": "1", "name": "?", "namespace": "one"}})
    strange = strange.replace(b'"resourceVersion": "11"', b'"resourceVersion": "11", "ownerReferences": [{}]')
    deep = event("ADDED", widget("deep", 12, spec="DEEP")).replace(b'"DEEP"', b"[" * 9000 + b"]" * 9000)
    gone = event("DELETED", widget("a", 13))
    async with operator(api_with([strange + deep + ADDED + gone + event("ADDED", widget("b", 14))])) as running:

        async def last_applied() -> bool:
            return await running.names() == ["b", "deep"]

        await until("the last event", last_applied, 20)


async def test_what_is_known_is_no_news() -> None:
    api = api_with([])
    api.objects["widgets"] = [widget("a", 5)]
    async with operator(api) as running:
        await until("it was listed and looked at", _passed(running), 20)
        await until("kopf watches", _watching(api), 20)
        api.tell(WIDGETS, event("MODIFIED", widget("a", 5)), event("ADDED", widget("b", 11)))

        async def both() -> bool:
            return "b" in running.controller.passes

        await until("what is new was looked at", both, 20)
        assert running.controller.passes == ["a", "b"]


def _watching(api: Api) -> Any:
    async def watching() -> bool:
        return bool(api.watched_from["widgets"])

    return watching


async def test_kopf_starts_when_discovery_names_what_it_watches() -> None:
    """Otherwise kopf would never watch the kind: it discovers once, and discovery lags behind what is served."""
    api = api_with([])
    api.discovered = False
    async with operator(api):

        async def discovery_asked() -> bool:
            return api.discoveries > 0

        await until("discovery was asked", discovery_asked, 20)
        assert api.lease is None, "another operator may be further"
        api.discovered = True
        await until("kopf watches", _watching(api), 20)


async def test_of_namespaces_that_are_not_worked_in_nothing_is_taken() -> None:
    api = api_with([event("ADDED", widget("b", 13, namespace="two")) + ADDED])
    async with operator(api, namespaces=("one",)) as running:
        await until("its own was looked at", _passed(running), 20)
        assert running.process.store.get(WIDGETS, "two", "b") is None
        assert running.process.store.get(*key("a")) is not None


async def test_a_watch_that_kopf_gave_up_is_missed_by_the_probe() -> None:
    """A watcher's task may end without any notice: https://github.com/nolar/kopf/issues/1276."""
    api = api_with([ADDED])
    async with operator(api, silence=0.5) as running:
        await until("it was looked at", _passed(running), 20)
        live, _ = running.process.live()
        assert live
        (watcher,) = (task for task in asyncio.all_tasks() if task.get_name().startswith("watcher for widgets"))
        watcher.cancel()

        async def dead() -> bool:
            return not running.process.live()[0]

        await until("the probe fails", dead, 20)
        assert not running.task.done(), "the process itself doesn't know"


async def test_a_pass_waits_while_kopf_takes_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_TURN", 60)
    async with operator(api_with([])) as running:

        async def leads() -> bool:
            return running.process.ready()[0]

        await until("it works", leads, 20)
        with running.process.streams.taking():
            running.process.store.apply(WIDGETS, widget("a", 11))
            for _ in range(100):
                await asyncio.sleep(0)
            assert running.controller.passes == []
        await until("it was looked at", _passed(running), 10)


async def test_a_flood_of_events_stops_no_pass_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_TURN", 0.05)
    async with operator(api_with([])) as running:
        with running.process.streams.taking():
            running.process.store.apply(WIDGETS, widget("a", 11))
            await until("it was looked at", _passed(running), 20)
