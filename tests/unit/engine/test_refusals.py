"""Checks what a refused child holds up: what relies on it, and nothing else."""

from __future__ import annotations

from typing import Any, cast

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine.client import ApiClient
from modelyard.engine.metrics import Metrics
from modelyard.engine.plan import Create, Note, Plan
from modelyard.engine.queue import Queue
from modelyard.engine.reads import Reads
from modelyard.engine.reconcile import Reconciler
from modelyard.engine.refusal import why_refused
from modelyard.engine.resource import JOBS, Object
from modelyard.engine.store import Store
from tests.unit.engine.objects import WIDGETS, key, widget
from tests.unit.engine.server import serving

QUOTA = 'jobs.batch "{}" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: 0, limited: 0'


class Controller:
    """Creates a Job of each name. ``alone`` says whether one relies on another."""

    resource, watches = WIDGETS, (JOBS,)

    def __init__(self, names: str, alone: bool) -> None:
        self._names, self._alone = names, alone

    def observe(self, store: Store, _: Any) -> Object | None:
        return store.get(*key("owner"))

    def decide(self, _: Object, *__: Any) -> Plan:
        return Plan({"steps": 3}, tuple(Create(JOBS, job(name), self._alone) for name in self._names))


class Recorder:
    def __init__(self) -> None:
        self.notes: list[Note] = []

    def record(self, _: Object, notes: Any) -> None:
        self.notes += notes


def job(name: str) -> Object:
    owner = {"kind": "Widget", "name": "owner", "uid": "uid-owner", "controller": True}
    return {"metadata": {"namespace": "one", "name": name, "ownerReferences": [owner]}, "spec": {}}


async def run(names: str, refused: str, alone: bool) -> tuple[list[str], Object, list[Note]]:
    """Returns the Jobs that were asked for, the status that was written, and the Events."""
    asked, statuses = list[str](), list[Object]()

    async def handler(request: web.Request) -> web.Response:
        body = await request.json()
        if request.method == "PATCH":
            statuses.append(body["status"])
            return web.json_response(widget("owner", 9, status=body["status"]))
        name = body["metadata"]["name"]
        asked.append(name)
        if name in refused:
            answer = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": QUOTA.format(name)}
            return web.json_response(answer, status=403)
        meta = {**body["metadata"], "uid": f"uid-{name}", "resourceVersion": "5"}
        return web.json_response({**body, "metadata": meta}, status=201)

    store, recorder = Store(), Recorder()
    store.apply(WIDGETS, widget("owner", 1))
    async with serving(handler) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration)
        parts: Any = (Controller(names, alone),)
        try:
            reconciler = Reconciler(parts, store, client, cast(Reads, None), Queue(), cast(Any, recorder), Metrics())
            await reconciler.run(key("owner"))
        finally:
            await client.close()
    return asked, statuses[-1], recorder.notes


@pytest.mark.parametrize(
    ("alone", "refused", "asked"),
    [(True, "a", "abc"), (True, "ab", "abc"), (True, "", "abc"), (False, "a", "a"), (False, "c", "abc")],
)
async def test_what_relies_on_a_refused_child_waits_for_it(alone: bool, refused: str, asked: str) -> None:
    made, status, notes = await run("abc", refused, alone)
    assert made == list(asked)
    assert status["steps"] == 3
    assert [note.reason for note in notes] == ["QuotaExceeded"] * len(refused)
    if not refused:
        assert "conditions" not in status
        return
    owner = widget("owner", 1, status=status)
    reason, message = why_refused(owner, f'"{refused[0]}"') or ("", "")
    assert reason == "QuotaExceeded"
    assert message.startswith("have the quota raised, or delete what is not needed: ")
    assert why_refused(owner, "another") is None
    assert {item["type"]: item["status"] for item in status["conditions"]} == {"Ready": "False", "Stalled": "True"}
