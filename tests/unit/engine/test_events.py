from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from modelyard.engine import events as module
from modelyard.engine.client import ApiClient
from modelyard.engine.events import Recorder
from modelyard.engine.plan import Note
from tests.unit.engine.objects import widget
from tests.unit.engine.server import serving
from tests.unit.engine.test_client import OK, Scripted, failure

WIDGET = widget("a", 1)


async def recorded(script: Scripted, notes: Iterable[Note]) -> list[dict[str, Any]]:
    """Records these notes on one object and returns the requests that the recorder sent."""
    async with serving(script) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration)
        recorder = Recorder(client, "me")
        runs = asyncio.create_task(recorder.run())
        recorder.record(WIDGET, notes)
        await recorder.flush(5)
        runs.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await runs
        await client.close()
    return script.requests


async def test_the_same_note_is_told_once() -> None:
    notes = [Note("Made", "it"), Note("Made", "it"), Note("Made", "another"), Note("Made", "it", "Warning")]
    requests = await recorded(Scripted(OK), notes)
    assert [request["method"] for request in requests] == ["POST"] * 3
    event = requests[0]["body"]
    assert event["regarding"]["uid"] == "uid-a"
    assert (event["reason"], event["note"], event["type"]) == ("Made", "it", "Normal")
    names = [request["body"]["metadata"]["name"] for request in requests]
    assert len(set(names)) == 3


async def test_one_of_an_earlier_process_becomes_a_series() -> None:
    requests = await recorded(Scripted(failure(409, "AlreadyExists"), OK), [Note("Made", "it")])
    assert [request["method"] for request in requests] == ["POST", "PATCH"]
    assert requests[1]["path"].endswith(requests[0]["body"]["metadata"]["name"])
    assert requests[1]["body"]["series"]["count"] == 2


async def test_a_flood_ends() -> None:
    requests = await recorded(Scripted(OK), [Note("Made", f"number {number}") for number in range(100)])
    assert len(requests) == module.BURST


async def test_an_event_that_fails_does_not_stop_the_next() -> None:
    requests = await recorded(Scripted(failure(403, "Forbidden"), OK), [Note("Made", "one"), Note("Made", "two")])
    assert [request["body"]["note"] for request in requests] == ["one", "two"]


async def test_events_wait_for_objects_that_wait_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    script, depth = Scripted(OK), [3]
    async with serving(script) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration)
        recorder = Recorder(client, "me", lambda: depth[0] > 0)
        runs = asyncio.create_task(recorder.run())
        recorder.record(WIDGET, [Note("Made", "it")])
        await asyncio.sleep(0.2)
        assert not script.requests
        await recorder.flush(2)
        assert len(script.requests) == 1, "objects waited longer than it has patience"
        recorder.record(WIDGET, [Note("Made", "another")])
        depth[0] = 0
        await recorder.flush(0.3)
        assert len(script.requests) == 2
        runs.cancel()
        await client.close()
