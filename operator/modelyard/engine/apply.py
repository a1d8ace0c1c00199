"""Carries out a plan's writes, and skips those that would change nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any, assert_never

from modelyard.engine.adopt import MANAGED_BY, controller_of, is_orphan_of, owners_after
from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.compare import digest, holds, likeness, patched
from modelyard.engine.plan import Apply, Create, Delete, Patch, Write
from modelyard.engine.resource import Key, Object, Resource
from modelyard.engine.store import Store

APPLIED = "modelyard.dev/applied"
"""Annotation of applied children. Its value is the hash of the manifest that was last applied."""

RETRY_SECONDS = {
    "InvalidChild": 300.0,
    "ChildForbidden": 60.0,
    "QuotaExceeded": 60.0,
    "NameTaken": 60.0,
    "NamespaceTerminating": math.inf,
}
"""Reason -> seconds until a refused write is sent again, if nothing changes before."""


class Refusal(Exception):
    """The API server rejects a child, and an early retry would not help. ``reason`` is a key of ``RETRY_SECONDS``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason, self.message = reason, message

    @property
    def retry_after(self) -> float:
        return RETRY_SECONDS[self.reason]


class Applier:
    """Sends the writes of all passes.

    ``fed`` are the resources whose changes the feed puts into the store. A child of any other resource is read from the
    API server before it is written.
    """

    def __init__(self, store: Store, client: ApiClient, fed: Container[Resource]) -> None:
        self._store, self._client, self._fed = store, client, fed
        self._settled: dict[tuple[Resource, str], tuple[str, str]] = {}
        """Child -> (hash of the manifest, hash of the same fields as the API server stored them), where the two differ:
        it rewrites quantities and adds defaults inside lists. Without this, every pass would write such a child."""
        self._refused: dict[tuple[Resource, str, str], tuple[str, Refusal, float]] = {}
        """Child -> (hash of the manifest and the live uid, the refusal, monotonic seconds until it is forgotten)."""
        store.listeners.append(self._forget)

    async def carry_out(self, write: Write, key: Key, owner: Object) -> bool:
        """Does one write of the pass of ``key``, and returns whether anything was sent.

        ``owner`` is the key's object as ``decide`` saw it. A patch of the owner updates its resourceVersion. Raises
        Refusal, or ApiError if the write should be retried.
        """
        if isinstance(write, Apply | Create) and "deletionTimestamp" in owner["metadata"]:
            return False
        try:
            with self._store.writing(write.resource, *_target(write)):
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
        """Applies or creates a child. Raises the last Refusal again while its retry isn't due: other changes cause
        passes in between."""
        meta = desired["metadata"]
        child = (write.resource, meta["namespace"], meta["name"])
        refused = self._refused.pop(child, None)
        if refused and refused[0] == _fingerprint(desired, live) and time.monotonic() < refused[2]:
            self._refused[child] = refused
            raise refused[1]
        try:
            if isinstance(write, Apply):
                return await self._client.apply(write.resource, _with_precondition(desired, live))
            return await self._client.create(write.resource, desired)
        except ApiError as error:
            if refusal := refusal_of(write, error):
                # Forget the refusal 5 s early: the retry that is planned for then must reach the API server.
                retry_at = time.monotonic() + refusal.retry_after - 5
                self._refused[child] = (_fingerprint(desired, live), refusal, retry_at)
            raise

    def _forget(self, resource: Resource, before: Object | None, after: Object | None, writer: Key | None) -> None:
        if before is not None and after is None:
            self._settled.pop((resource, before["metadata"]["uid"]), None)

    async def _apply(self, write: Apply, key: Key, owner: Object) -> bool:
        desired = _labelled(write.manifest)
        manifest_hash = digest(desired)
        desired["metadata"]["annotations"] = {**desired["metadata"].get("annotations", {}), APPLIED: manifest_hash}
        meta = desired["metadata"]
        live = self._store.get(write.resource, meta["namespace"], meta["name"])
        if live is None:
            # The store lacks objects without our label, and an apply would take over one of this name.
            live = await self._client.get(write.resource, meta["namespace"], meta["name"])
            if live is None and not await self._owner_exists(key, owner):
                return False
        if live is not None:
            if "deletionTimestamp" in live["metadata"]:
                return False  # the DELETED event will trigger the pass that creates the next one
            live = await self._own(write, desired, live, owner, key)
            settled = self._settled.get((write.resource, live["metadata"]["uid"]))
            if holds(live, desired) or settled == (manifest_hash, digest(likeness(live, desired))):
                return False
        answer = await self._send(write, desired, live)
        self._store_answer(write.resource, answer, key)
        child = (write.resource, answer["metadata"]["uid"])
        if holds(answer, desired):
            self._settled.pop(child, None)
        else:
            self._settled[child] = (manifest_hash, digest(likeness(answer, desired)))
        return True

    async def _owner_exists(self, key: Key, owner: Object) -> bool:
        """Asks the API server whether the owner still exists. The garbage collector may delete its children before the
        store knows that it is gone, and a child created then would be an orphan that blocks its successor's name."""
        uid = owner["metadata"]["uid"]
        live = await self._client.get(*key)
        if live is not None and live["metadata"]["uid"] == uid and "deletionTimestamp" not in live["metadata"]:
            return True
        if live is None or live["metadata"]["uid"] != uid:
            self._store.gone(*key, uid)
        return False

    async def _create(self, write: Create, key: Key, owner: Object) -> bool:
        desired = _labelled(write.manifest)
        namespace, name = desired["metadata"]["namespace"], desired["metadata"]["name"]
        live = self._store.get(write.resource, namespace, name)
        if live is not None:
            return await self._own(write, desired, live, owner, key) is not live
        if self._store.has_gone(write.resource, namespace, name) and not await self._owner_exists(key, owner):
            return False
        try:
            answer = await self._send(write, desired, None)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            # The object is either ours, from an attempt whose answer was lost, or somebody else's.
            existing = await self._client.get(write.resource, namespace, name)
            if existing is None:
                raise
            answer = await self._own(write, desired, existing, owner, key)
        self._store_answer(write.resource, answer, key)
        return True

    async def _own(self, write: Apply | Create, desired: Object, live: Object, owner: Object, key: Key) -> Object:
        """Returns the live object, adopted if its owner is gone. Raises Refusal if it belongs to somebody else."""
        if controller_of(desired).get("uid") == controller_of(live).get("uid"):
            return live
        if not is_orphan_of(live, owner, datetime.now(UTC)):
            raise name_taken(write.resource, desired, live)
        meta = live["metadata"]
        body = {"metadata": {"ownerReferences": owners_after(live, controller_of(desired))}}
        answer = await self._client.patch(
            write.resource, meta["namespace"], meta["name"], _with_precondition(body, live)
        )
        self._store_answer(write.resource, answer, key)
        return answer

    async def _patch(self, write: Patch, key: Key, owner: Object) -> bool:
        meta = {**write.body.get("metadata", {}), "uid": write.uid}
        body = {**write.body, "metadata": meta}
        own = write.uid == owner["metadata"]["uid"]
        live = self._store.get(write.resource, write.namespace, write.name)
        if live is not None and live["metadata"]["uid"] == write.uid and patched(live, body):
            return False
        if own:
            # Patch only the version ``decide`` saw: the status write that follows uses the answer's version.
            body = _with_precondition(body, owner)
        elif live is not None and live["metadata"]["uid"] == write.uid:
            body = _with_precondition(body, live)
        try:
            answer = await self._client.patch(write.resource, write.namespace, write.name, body)
        except ApiError as error:
            if error.code != 404:
                raise
            return self._store.gone(write.resource, write.namespace, write.name, write.uid, key)
        self._store_answer(write.resource, answer, key)
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
            self._store_answer(write.resource, answer, key)
        return True

    def _store_answer(self, resource: Resource, answer: Object, key: Key) -> None:
        """Keeps an answer only of a fed resource: nothing would update any other object in the store."""
        if resource in self._fed:
            self._store.apply(resource, answer, key)


def _target(write: Write) -> tuple[str, str]:
    if isinstance(write, Apply | Create):
        return write.manifest["metadata"]["namespace"], write.manifest["metadata"]["name"]
    return write.namespace, write.name


def _with_precondition(body: Object, live: Object | None) -> Object:
    """Returns the body with the live object's resourceVersion and uid as preconditions.

    The version keeps a process with an old view (a former leader, or one that has just started) from undoing newer
    changes. The uid keeps an apply from recreating an object that was deleted since.
    """
    if live is None:
        return body
    precondition = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
    return {**body, "metadata": {**body["metadata"], **precondition}}


def _fingerprint(desired: Object, live: Object | None) -> str:
    """Returns a hash that identifies a write of this manifest to this live object."""
    return digest([desired, live and live["metadata"]["uid"]])


def name_taken(resource: Resource, desired: Object, live: Object) -> Refusal:
    expected, actual = controller_of(desired), controller_of(live)
    name = f"{resource.kind} {live['metadata']['namespace']}/{live['metadata']['name']}"
    if all(expected.get(key) == actual.get(key) for key in ("kind", "name")):
        return Refusal(
            "NameTaken",
            f"{name} exists and belonged to an earlier {_owner(actual)}: Kubernetes is about to delete it; if it does "
            "not within a minute, it is taken over",
        )
    return Refusal(
        "NameTaken",
        f"{name} exists and belongs to {_owner(actual)}, not to {_owner(expected)}: delete or rename one of them",
    )


def _owner(reference: Mapping[str, Any]) -> str:
    return f"{reference['kind']} {reference['name']} ({reference['uid']})" if reference else "nobody"


def refusal_of(write: Write, error: ApiError) -> Refusal | None:
    """Returns the Refusal that an error amounts to, or None if the write should be retried soon."""
    if error.code in (400, 422):
        kind = write.resource.kind
        return Refusal("InvalidChild", f"correct the part of spec that its {kind} is made from: {error.message}")
    if error.code == 403 and error.namespace_is_terminating:
        return Refusal("NamespaceTerminating", error.message)
    if error.code == 403 and "exceeded quota" in error.message:
        return Refusal("QuotaExceeded", f"have the quota raised, or delete what is not needed: {error.message}")
    if error.code == 403 and isinstance(write, Apply | Create):
        return Refusal("ChildForbidden", error.message)
    return None


def _labelled(manifest: Object) -> Object:
    """Returns the manifest with the label ``MANAGED_BY``."""
    meta = {**manifest["metadata"], "labels": {**manifest["metadata"].get("labels", {}), MANAGED_BY: "modelyard"}}
    return {**manifest, "metadata": meta}
