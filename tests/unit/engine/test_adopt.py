"""Checks which children an object takes over: those that its labels name and that no living object owns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine.adopt import MANAGED_BY, is_orphan_of, owners_after
from modelyard.engine.apply import Applier, Refusal
from modelyard.engine.client import ApiClient
from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Apply, Create
from modelyard.engine.resource import Object
from modelyard.engine.store import Store
from tests.unit.engine.objects import WIDGETS, key, widget
from tests.unit.engine.server import serving

BORN = "2026-01-05T12:00:00Z"
LATER = parse_time(BORN) + timedelta(seconds=60)
LABELS = {"app.kubernetes.io/managed-by": "modelyard", "modelyard.dev/widget": "owner"}
OWNER = widget("owner", 1, metadata={"creationTimestamp": BORN})


def reference(uid: str, name: str = "owner", kind: str = "Widget", controller: bool = True) -> Object:
    return {"kind": kind, "name": name, "uid": uid, "controller": controller}


def child(*references: Object, labels: Object = LABELS, **more: Any) -> Object:
    meta = {"labels": labels, "ownerReferences": list(references), "creationTimestamp": BORN, **more}
    return widget("a", 5, metadata=meta)


@pytest.mark.parametrize(
    ("obj", "now", "expected"),
    [
        (child(), parse_time(BORN), True),
        (child(reference("x", controller=False)), LATER, True),
        (child(reference("gone")), LATER, True),
        # Kubernetes is about to delete what an earlier owner of the name has left.
        (child(reference("gone")), LATER - timedelta(seconds=1), False),
        (child(reference("gone"), creationTimestamp="2026-01-05T12:00:01Z"), LATER, False),
        (child(reference("alive", name="other")), LATER, False),
        (child(reference("alive", kind="Gadget")), LATER, False),
        (child(labels={}), LATER, False),
        (child(labels={**LABELS, "app.kubernetes.io/managed-by": "Helm"}), LATER, False),
        (child(labels={**LABELS, "modelyard.dev/widget": "other"}), LATER, False),
        (child(deletionTimestamp=BORN), LATER, False),
    ],
)
def test_only_what_is_ours_and_nobody_s_is_taken(obj: Object, now: datetime, expected: bool) -> None:
    assert is_orphan_of(obj, OWNER, now) is expected


def test_there_is_one_controller_afterwards() -> None:
    other, new = reference("x", controller=False), reference("uid-owner")
    assert owners_after(child(reference("gone"), other), new) == [other, new]


async def carried_out(kind: type[Apply | Create], live: Object) -> list[Object]:
    """Returns the bodies that are sent to make a child of this name, which exists."""
    sent: list[Object] = []

    async def handler(request: web.Request) -> web.Response:
        sent.append(await request.json())
        merged = {
            **live,
            "metadata": {**live["metadata"], **sent[-1]["metadata"], "resourceVersion": str(6 + len(sent))},
        }
        return web.json_response(merged)

    store = Store()
    store.attribute(WIDGETS)
    store.apply(WIDGETS, live)
    manifest = {"metadata": {"namespace": "one", "name": "a", "labels": LABELS}, "spec": {"size": 1}}
    manifest["metadata"]["ownerReferences"] = [reference("uid-owner")]
    async with serving(handler) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration)
        try:
            await Applier(store, client, {WIDGETS}).carry_out(kind(WIDGETS, manifest), key("owner"), OWNER)
        finally:
            await client.close()
    return sent


@pytest.mark.parametrize("kind", [Apply, Create])
async def test_it_is_taken_over_in_the_version_that_was_seen(kind: type[Apply | Create]) -> None:
    sent = await carried_out(kind, child(reference("gone")))
    assert sent[0]["metadata"] == {
        "ownerReferences": [reference("uid-owner")],
        "uid": "uid-a",
        "resourceVersion": "5",
    }
    if kind is Apply:
        assert [*sent[1]["spec"], *sent[2]["metadata"]] == ["size", "managedFields", "uid", "resourceVersion"]
    assert len(sent) == (3 if kind is Apply else 1)


async def test_what_was_adopted_before_is_taken_over_as_well() -> None:
    applied = {"f:metadata": {"f:labels": {f"f:{MANAGED_BY}": {}}}}
    owners = {"f:metadata": {"f:ownerReferences": {}}}
    managed = [
        {"manager": "kubectl-create", "operation": "Update", "fieldsV1": applied},
        {"manager": "modelyard", "operation": "Update", "fieldsV1": owners},
    ]
    restored = child(reference("uid-owner"), managedFields=managed)
    sent = await carried_out(Apply, restored)
    assert [*sent[0]["spec"], *sent[1]["metadata"]] == ["size", "managedFields", "uid", "resourceVersion"]


@pytest.mark.parametrize("kind", [Apply, Create])
async def test_what_a_living_owner_has_is_refused(kind: type[Apply | Create]) -> None:
    with pytest.raises(Refusal, match=r"NameTaken.*delete or rename"):
        await carried_out(kind, child(reference("alive", name="other")))
