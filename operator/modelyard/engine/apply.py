"""Carries out a plan's writes, and none that would change nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Mapping
from typing import Any, assert_never

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.compare import digest, holds, likeness, patched
from modelyard.engine.plan import Apply, Create, Delete, Patch, Write
from modelyard.engine.resource import Key, Object, Resource
from modelyard.engine.store import Store

APPLIED = "modelyard.dev/applied"
"""Annotation of applied children: the hash of the manifest they were last applied from."""
MANAGED_BY = "app.kubernetes.io/managed-by"
"""Label of every child; children of other values are not seen by the feed."""


AGAIN = {"InvalidChild": 300.0, "ChildForbidden": 60.0, "NameTaken": 60.0, "NamespaceTerminating": math.inf}
"""Seconds until what was refused is tried again, if nothing changes before."""


class Refusal(Exception):
    """The API server won't take a child as it is; trying again soon doesn't help. ``reason`` is a key of ``AGAIN``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason, self.message = reason, message

    @property
    def again(self) -> float:
        return AGAIN[self.reason]


class Applier:
    """``fed``: the resources that the store is told of. A child of any other is read before it is written."""

    def __init__(self, store: Store, client: ApiClient, fed: Container[Resource]) -> None:
        self._store, self._client, self._fed = store, client, fed
        self._settled: dict[tuple[Resource, str], tuple[str, str]] = {}
        """Child -> (hash of the manifest, hash of what the API server made of its fields), where those differ:
        a quantity written another way, a default inside a list. Else such a child would be written at every pass."""
        self._refused: dict[tuple[Resource, str, str], tuple[str, Refusal, float]] = {}
        """Child -> (what was sent to what was there, the answer, monotonic seconds until which it is the answer)."""
        store.listeners.append(self._forget)

    async def carry_out(self, write: Write, key: Key, owner: Object) -> bool:
        """Do one write of the pass of ``key``; says whether anything was sent.

        ``owner`` is the object of the key as it was decided on; its resourceVersion follows a patch of itself.
        Raises Refusal, or ApiError when it should be tried again.
        """
        if isinstance(write, Apply | Create) and "deletionTimestamp" in owner["metadata"]:
            return False
        try:
            with self._store.writing(write.resource, *_place(write)):
                match write:
                    case Apply():
                        return await self._apply(write, key, owner)
                    case Create():
                        return await self._create(write, key, owner)
                    case Patch():
                        return await self._patch(write, key, owner)
                    case Delete():
                        return await self._delete(write, key)
                    case _:
                        assert_never(write)
        except ApiError as error:
            refusal = refusal_of(write, error)
            if refusal is None:
                raise
            raise refusal from error

    async def _send(self, write: Apply | Create, desired: Object, live: Object | None) -> Object:
        """Apply or create, unless the same was refused a short time ago: other changes bring passes in between."""
        meta = desired["metadata"]
        child = (write.resource, meta["namespace"], meta["name"])
        known = self._refused.pop(child, None)
        if known and known[0] == _sent(desired, live) and time.monotonic() < known[2]:
            self._refused[child] = known
            raise known[1]
        try:
            if isinstance(write, Apply):
                return await self._client.apply(write.resource, _of_version(desired, live))
            return await self._client.create(write.resource, desired)
        except ApiError as error:
            if refusal := refusal_of(write, error):
                # A little less, so that the look that is planned for then does send it.
                self._refused[child] = (_sent(desired, live), refusal, time.monotonic() + refusal.again - 5)
            raise

    def _forget(self, resource: Resource, before: Object | None, after: Object | None, writer: Key | None) -> None:
        if before is not None and after is None:
            self._settled.pop((resource, before["metadata"]["uid"]), None)

    async def _apply(self, write: Apply, key: Key, owner: Object) -> bool:
        desired = _marked(write.manifest)
        wanted = digest(desired)
        desired["metadata"]["annotations"] = {**desired["metadata"].get("annotations", {}), APPLIED: wanted}
        meta = desired["metadata"]
        live = self._store.get(write.resource, meta["namespace"], meta["name"])
        if live is None:
            # Somebody else's object of that name isn't in the store, and an apply would take it over.
            live = await self._client.get(write.resource, meta["namespace"], meta["name"])
            if live is None and not await self._stands(key, owner):
                return False
        if live is not None:
            if "deletionTimestamp" in live["metadata"]:
                return False  # its end will be an event, and then there is room for a new one
            _check_owner(write.resource, desired, live)
            settled = self._settled.get((write.resource, live["metadata"]["uid"]))
            if holds(live, desired) or settled == (wanted, digest(likeness(live, desired))):
                return False
        answer = await self._send(write, desired, live)
        self._take(write.resource, answer, key)
        child = (write.resource, answer["metadata"]["uid"])
        if holds(answer, desired):
            self._settled.pop(child, None)
        else:
            self._settled[child] = (wanted, digest(likeness(answer, desired)))
        return True

    async def _stands(self, key: Key, owner: Object) -> bool:
        """Whether the owner is there still: its children may be collected before its own end is known here, and what
        is made for it then is an orphan, whose name its successor can't take."""
        uid = owner["metadata"]["uid"]
        found = await self._client.get(*key)
        if found is not None and found["metadata"]["uid"] == uid and "deletionTimestamp" not in found["metadata"]:
            return True
        if found is None or found["metadata"]["uid"] != uid:
            self._store.gone(*key, uid)
        return False

    async def _create(self, write: Create, key: Key, owner: Object) -> bool:
        desired = _marked(write.manifest)
        namespace, name = desired["metadata"]["namespace"], desired["metadata"]["name"]
        live = self._store.get(write.resource, namespace, name)
        if live is not None:
            _check_owner(write.resource, desired, live)
            return False
        if self._store.has_gone(write.resource, namespace, name) and not await self._stands(key, owner):
            return False
        try:
            answer = await self._send(write, desired, None)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            # Ours from a try whose answer was lost, or somebody else's.
            there = await self._client.get(write.resource, namespace, name)
            if there is None:
                raise
            _check_owner(write.resource, desired, there)
            answer = there
        self._take(write.resource, answer, key)
        return True

    async def _patch(self, write: Patch, key: Key, owner: Object) -> bool:
        meta = {**write.body.get("metadata", {}), "uid": write.uid}
        body = {**write.body, "metadata": meta}
        own = write.uid == owner["metadata"]["uid"]
        live = self._store.get(write.resource, write.namespace, write.name)
        if live is not None and live["metadata"]["uid"] == write.uid and patched(live, body):
            return False
        if own:
            # Only the version that was decided on, so that the status may follow on what comes of it.
            body = _of_version(body, owner)
        elif live is not None and live["metadata"]["uid"] == write.uid:
            body = _of_version(body, live)
        try:
            answer = await self._client.patch(write.resource, write.namespace, write.name, body)
        except ApiError as error:
            if error.code != 404:
                raise
            return self._store.gone(write.resource, write.namespace, write.name, write.uid, key)
        self._take(write.resource, answer, key)
        if own:
            owner["metadata"]["resourceVersion"] = answer["metadata"]["resourceVersion"]
        return True

    async def _delete(self, write: Delete, key: Key) -> bool:
        live = self._store.get(write.resource, write.namespace, write.name)
        if live is not None and live["metadata"]["uid"] == write.uid and "deletionTimestamp" in live["metadata"]:
            return False
        answer = await self._client.delete(write.resource, write.namespace, write.name, write.uid)
        if answer is None:
            self._store.gone(write.resource, write.namespace, write.name, write.uid, key)
        else:
            self._take(write.resource, answer, key)
        return True

    def _take(self, resource: Resource, answer: Object, key: Key) -> None:
        """What nobody tells us of would lie in the store as it once was."""
        if resource in self._fed:
            self._store.apply(resource, answer, key)


def _place(write: Write) -> tuple[str, str]:
    if isinstance(write, Apply | Create):
        return write.manifest["metadata"]["namespace"], write.manifest["metadata"]["name"]
    return write.namespace, write.name


def _of_version(body: Object, live: Object | None) -> Object:
    """Only if it is still the version that was decided on: else who is behind (an old leader, a process that has
    just started and was told old things) would put back what was brought forward since. With its uid, too, without
    which an apply would make anew what was deleted since."""
    if live is None:
        return body
    was = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
    return {**body, "metadata": {**body["metadata"], **was}}


def _sent(desired: Object, live: Object | None) -> str:
    return digest([desired, live and live["metadata"]["uid"]])


def controller_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ownerReference with ``controller: true``, or an empty one."""
    references = obj["metadata"].get("ownerReferences", ())
    return next((reference for reference in references if reference.get("controller")), {})


def _check_owner(resource: Resource, desired: Object, live: Object) -> None:
    wanted, found = controller_of(desired), controller_of(live)
    if wanted.get("uid") != found.get("uid"):
        name = f"{resource.kind} {live['metadata']['namespace']}/{live['metadata']['name']}"
        raise Refusal(
            "NameTaken",
            f"{name} exists and belongs to {_owner(found)}, not to {_owner(wanted)}: delete or rename one of them",
        )


def _owner(reference: Mapping[str, Any]) -> str:
    return f"{reference['kind']} {reference['name']} ({reference['uid']})" if reference else "nobody"


def refusal_of(write: Write, error: ApiError) -> Refusal | None:
    if error.code in (400, 422):
        kind = write.resource.kind
        return Refusal("InvalidChild", f"correct the part of spec that its {kind} is made from: {error.message}")
    if error.code == 403 and error.namespace_is_terminating:
        return Refusal("NamespaceTerminating", error.message)
    if error.code == 403 and isinstance(write, Apply | Create):
        return Refusal("ChildForbidden", error.message)
    return None


def _marked(manifest: Object) -> Object:
    meta = {**manifest["metadata"], "labels": {**manifest["metadata"].get("labels", {}), MANAGED_BY: "modelyard"}}
    return {**manifest, "metadata": meta}
