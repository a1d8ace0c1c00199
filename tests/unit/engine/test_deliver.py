"""Checks how an object from outside is delivered: whose objects are touched, and which refusals are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.deliver import deliver
from modelyard.engine.plan import Delivered, Denied, Unavailable
from modelyard.engine.resource import MODELS, Object
from tests.unit.engine.server import serving

OWNER = {"modelyard.dev/pipelinesource": "churn", "modelyard.dev/pipelinesource-namespace": "a"}
MANIFEST: Object = {"metadata": {"name": "m", "namespace": "b", "labels": OWNER}, "spec": {"task": "Regression"}}
NEED = Delivered(MODELS, "b", "m", json.dumps(MANIFEST), tuple(OWNER.items()))


class Server:
    """Has one object, or none, and answers an apply with this code."""

    def __init__(self, labels: dict[str, str] | None, code: int = 200, **meta: Any) -> None:
        self.live = None if labels is None else {"metadata": {"uid": "u", "resourceVersion": "7", "labels": labels}}
        if self.live:
            self.live["metadata"] |= meta
        self.code, self.applied = code, list[tuple[dict[str, str], Object]]()

    async def __call__(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response(self.live or {"reason": "NotFound"}, status=200 if self.live else 404)
        self.applied.append((dict(request.query), await request.json()))
        answer = {"reason": "x", "message": "so it is"} if self.code != 200 else {"metadata": {}}
        return web.json_response(answer, status=self.code)

    async def ask(self) -> Denied | Unavailable | None:
        async with serving(self) as url:
            configuration = Configuration()
            configuration.host = url
            client = ApiClient(configuration)
            try:
                return await deliver(client, NEED)
            finally:
                await client.close()


async def test_a_new_object_is_applied_strictly() -> None:
    server = Server(None)
    assert await server.ask() is None
    ((query, body),) = server.applied
    assert (query["fieldValidation"], query["fieldManager"]) == ("Strict", "modelyard")
    assert body["spec"] == MANIFEST["spec"]
    assert "uid" not in body["metadata"]


async def test_an_own_object_is_applied_as_it_was_seen() -> None:
    server = Server({**OWNER, "more": "x"})
    assert await server.ask() is None
    assert server.applied[0][1]["metadata"] == {**MANIFEST["metadata"], "uid": "u", "resourceVersion": "7"}


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({}, "was not delivered by this source"),
        ({**OWNER, "modelyard.dev/pipelinesource-namespace": "c"}, "belongs to PipelineSource c/churn"),
    ],
)
async def test_what_is_somebody_elses_is_left_alone(labels: dict[str, str], says: str) -> None:
    server = Server(labels)
    answer = await server.ask()
    assert isinstance(answer, Denied)
    assert (answer.reason, says in answer.message, server.applied) == ("NameTaken", True, [])


async def test_what_is_being_deleted_is_waited_for() -> None:
    server = Server(OWNER, deletionTimestamp="2026-01-01T00:00:00Z")
    assert isinstance(await server.ask(), Unavailable)
    assert server.applied == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [(422, "ManifestRefused"), (400, "ManifestRefused"), (403, "DeliveryForbidden"), (404, "DeliveryForbidden")],
)
async def test_a_refusal_is_told(code: int, reason: str) -> None:
    answer = await Server(None, code).ask()
    assert answer == Denied(reason, "Model b/m: so it is")


async def test_a_conflict_is_tried_again() -> None:
    with pytest.raises(ApiError):
        await Server(OWNER, 409).ask()
