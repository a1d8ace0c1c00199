from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine.apply import Applier
from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.compare import holds, likeness, patched
from modelyard.engine.plan import Apply, Create, Delete, Write
from modelyard.engine.refusal import refusal_of
from modelyard.engine.store import Store
from tests.unit.engine.objects import WIDGETS, key, widget
from tests.unit.engine.server import serving

APPLY = Apply(WIDGETS, {"metadata": {"namespace": "one", "name": "a"}})
DELETE = Delete(WIDGETS, "one", "a", "uid-a")


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({}, {"a": 1}, False),
        ({"a": {"b": 1, "default": 2}}, {"a": {"b": 1}}, True),
        ({"a": [{"b": 1, "default": 2}]}, {"a": ({"b": 1},)}, True),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}]}, False),
        ({"a": []}, {"a": {}}, False),
        ({"a": "500m"}, {"a": "0.5"}, False),
    ],
)
def test_holds(live: Any, desired: Any, expected: bool) -> None:
    assert holds(live, desired) is expected


def test_likeness_is_what_others_cannot_change_by_adding() -> None:
    desired = {"metadata": {"labels": {"a": "b"}}, "spec": {"list": [{"cpu": "0.5"}], "gone": 1}}
    live = {
        "metadata": {"labels": {"a": "b"}, "uid": "x"},
        "spec": {"list": [{"cpu": "500m", "default": 1}]},
        "status": {},
    }
    assert likeness(live, desired) == {"metadata": {"labels": {"a": "b"}}, "spec": {"list": [{"cpu": "500m"}]}}
    assert likeness({"spec": {"list": [1, 2]}}, desired) == {"spec": {"list": [1, 2]}}


@pytest.mark.parametrize(
    ("live", "body", "expected"),
    [
        ({"spec": {"suspend": True, "x": 1}}, {"spec": {"suspend": True}}, True),
        ({"spec": {"suspend": True}}, {"spec": {"suspend": False}}, False),
        ({"metadata": {"finalizers": ["a"]}}, {"metadata": {"finalizers": None}}, False),
        ({"metadata": {}}, {"metadata": {"finalizers": None, "annotations": {"a": None}}}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
    ],
)
def test_patched(live: Any, body: Any, expected: bool) -> None:
    assert patched(live, body) is expected


@pytest.mark.parametrize(
    ("write", "code", "message", "reason"),
    [
        (APPLY, 422, "spec.size: must not be negative", "InvalidChild"),
        (APPLY, 403, "exceeded quota: count/jobs.batch=2", "QuotaExceeded"),
        (APPLY, 403, "denied by a policy", "ChildForbidden"),
        (
            APPLY,
            403,
            "unable to create new content in namespace one because it is being terminated",
            "NamespaceTerminating",
        ),
        (APPLY, 409, "the object has been modified", None),
        (APPLY, 503, "later", None),
        (DELETE, 403, "no such right", None),
    ],
)
def test_what_ends_in_a_condition(write: Write, code: int, message: str, reason: str | None) -> None:
    refusal = refusal_of(write, ApiError(code, "Whatever", message))
    assert (refusal and refusal.reason) == reason
    if refusal:
        assert refusal.message.endswith(message)
        # The API server names a field of the child; the prefix points the user at the part of spec behind it.
        named = refusal.message.startswith("correct the part of spec that its Widget")
        assert named == (reason in ("InvalidChild", "ChildForbidden"))
        assert ("or have it allowed" in refusal.message) == (reason == "ChildForbidden")


class Child:
    """An API server with a single child, whose ``version`` may be newer than the one in the operator's store."""

    def __init__(self, version: int | None, owner: str = "uid-owner") -> None:
        self.version, self.owner = version, owner
        self.sent: list[Any] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/owner") and self.owner:
            return web.json_response(widget("owner", 9, self.owner))
        if request.method == "GET":
            return web.json_response({"reason": "NotFound"}, status=404)
        body = await request.json()
        self.sent.append(body)
        # As on the real API server, an apply to a missing object creates it unless it names a uid: that is a conflict.
        meta = body["metadata"]
        current = {} if self.version is None else {"uid": "uid-a", "resourceVersion": str(self.version)}
        preconditions = {"uid"} if self.version is None else {"uid", "resourceVersion"}
        if any(name in meta and meta[name] != current.get(name) for name in preconditions):
            return web.json_response({"reason": "Conflict", "message": "newer"}, status=409)
        meta = {**body["metadata"], "uid": "uid-a", "resourceVersion": str((self.version or 0) + 1)}
        return web.json_response({**body, "metadata": meta})


async def _applied(child: Child, store: Store, kind: type[Apply | Create] = Apply) -> bool:
    async with serving(child) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration)
        write = kind(WIDGETS, {"metadata": {"namespace": "one", "name": "a"}, "spec": {"size": 1}})
        try:
            return (await Applier(store, client, {WIDGETS}).carry_out(write, key("owner"), widget("owner", 1))).sent
        finally:
            await client.close()


async def test_an_apply_is_of_the_version_that_was_decided_on() -> None:
    store, child = Store(), Child(5)
    store.apply(WIDGETS, widget("a", 5, spec={"size": 2}))
    assert await _applied(child, store)
    assert child.sent[0]["metadata"]["resourceVersion"] == "5"
    assert child.sent[0]["metadata"]["uid"] == "uid-a"


async def test_an_apply_never_puts_back_what_is_newer() -> None:
    store, child = Store(), Child(6)
    store.apply(WIDGETS, widget("a", 5, spec={"size": 2}))
    with pytest.raises(ApiError, match="409"):
        await _applied(child, store)


async def test_an_apply_never_makes_anew_what_was_deleted_since() -> None:
    store, child = Store(), Child(None)
    store.apply(WIDGETS, widget("a", 5, spec={"size": 2}))
    with pytest.raises(ApiError, match="409"):
        await _applied(child, store)


async def test_an_apply_of_what_is_not_there_makes_it() -> None:
    child = Child(None)
    assert await _applied(child, Store())
    assert not {"uid", "resourceVersion"} & child.sent[0]["metadata"].keys()


@pytest.mark.parametrize("owner", ["", "uid-successor"])
async def test_nothing_is_made_for_an_owner_that_is_gone(owner: str) -> None:
    """The store sees that the children were collected before the owner's end; the name may have a successor by now."""
    store, child = Store(), Child(None, owner)
    store.apply(WIDGETS, widget("owner", 1))
    assert not await _applied(child, store)
    assert child.sent == []
    assert store.get(*key("owner")) is None


@pytest.mark.parametrize(("owner", "sent"), [("", 0), ("uid-successor", 0), ("uid-owner", 1)])
async def test_what_was_deleted_is_made_again_only_for_an_owner_that_is_there(owner: str, sent: int) -> None:
    store, child = Store(), Child(None, owner)
    store.apply(WIDGETS, widget("owner", 1))
    store.apply(WIDGETS, widget("a", 2))
    store.deleted(WIDGETS, widget("a", 3))
    assert await _applied(child, store, Create) is bool(sent)
    assert len(child.sent) == sent


async def test_what_never_was_is_made_without_a_look_at_its_owner() -> None:
    child = Child(None, owner="")
    assert await _applied(child, Store(), Create)
