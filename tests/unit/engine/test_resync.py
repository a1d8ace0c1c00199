"""Checks which whole lists are taken, and which are refused as older than the required version."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine import resync as module
from modelyard.engine.client import ApiClient
from modelyard.engine.metrics import Metrics
from modelyard.engine.resync import Fed, Resync
from modelyard.engine.store import Store
from tests.unit.engine.objects import WIDGETS, widget
from tests.unit.engine.server import serving


class Behind:
    """An API server whose next lists have these versions, the last of which repeats. Each list holds one object."""

    def __init__(self, *versions: int) -> None:
        self.versions, self.lists = list(versions), 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.lists += 1
        version = self.versions.pop(0) if len(self.versions) > 1 else self.versions[0]
        items = [widget(f"at-{version}", version)]
        return web.json_response({"metadata": {"resourceVersion": str(version)}, "items": items})


async def first(api: Behind, since: int) -> Store:
    async with serving(api) as url:
        client, store = ApiClient(Configuration(host=url)), Store()
        await Resync(client, store, [Fed(WIDGETS)], (), Metrics()).first(since)
        await client.close()
        return store


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)


async def test_a_first_list_that_lacks_what_was_there_before_is_asked_for_again() -> None:
    api = Behind(10, 19, 20)
    store = await first(api, 20)
    assert api.lists == 3
    assert store.get(WIDGETS, "one", "at-20") is not None
    assert store.count(WIDGETS) == 1, "nothing of the past is kept"


async def test_versions_that_never_get_there_are_believed_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that keeps leases in another etcd has versions which never reach that of the lease."""
    api = Behind(10)

    def monotonic() -> float:
        return module.LONGEST_DISTRUST if api.lists == 3 else 0.0

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=monotonic))
    store = await first(api, 1000)
    assert api.lists == 3
    assert store.count(WIDGETS) == 1
