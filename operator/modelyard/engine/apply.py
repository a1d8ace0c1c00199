"""Carries out a plan's writes, and skips those that would change nothing."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from modelyard.engine.adopt import MANAGED_BY, controller_of, is_orphan_of, owners_after
from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.compare import digest, holds, likeness, patched
from modelyard.engine.drift import Drift, drift, repaired, set_by_others, undone
from modelyard.engine.ownership import FIELD_MANAGER, foreign, with_others, without_others
from modelyard.engine.plan import Apply, Create, Delete, Note, Patch, Write
from modelyard.engine.refusal import Refusal, name_taken, refusal_of
from modelyard.engine.resource import Key, Object, Resource
from modelyard.engine.status import difference
from modelyard.engine.store import Store
from modelyard.engine.undo import Corrections, adopted_note, kept_note, note_of

APPLIED = "modelyard.dev/applied"
"""Annotation of applied children. Its value is the hash of the manifest that was last applied."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one write came to.

    ``sent`` is whether anything was sent. ``notes`` tell what others had changed. ``after`` is in how many seconds a
    correction is due that was put off.
    """

    sent: bool
    notes: tuple[Note, ...] = ()
    after: float | None = None


class Applier:
    """Sends the writes of all passes.

    ``fed`` are the resources whose changes the feed puts into the store. A child of any other resource is read from the
    API server before it is written.
    """

    def __init__(self, store: Store, client: ApiClient, fed: Container[Resource]) -> None:
        self._store, self._client, self._fed = store, client, fed
        self._settled: dict[tuple[Resource, str], tuple[str | None, str]] = {}
        """Child -> (hash of the manifest, hash of the same fields as the API server stored them), where the two differ:
        it rewrites quantities and adds defaults inside lists. Without this, every pass would write such a child."""
        self._refused: dict[tuple[Resource, str, str], tuple[str, Refusal, float]] = {}
        """Child -> (hash of the manifest and the live uid, the refusal, monotonic seconds until it is forgotten)."""
        self._corrections = Corrections()
        self._kept: dict[tuple[Resource, str], str] = {}
        """Child -> hash of the additions that came back when they were removed. They are not removed again."""
        store.listeners.append(self._forget)

    async def carry_out(self, write: Write, key: Key, owner: Object) -> Outcome:
        """Does one write of the pass of ``key``.

        ``owner`` is the key's object as ``decide`` saw it. A patch of the owner updates its resourceVersion. Raises
        Refusal, or ApiError if the write should be retried.
        """
        if isinstance(write, Apply | Create) and "deletionTimestamp" in owner["metadata"]:
            return Outcome(False)
        try:
            with self._store.writing(write.resource, *_target(write)):
                match write:
                    case Apply():
                        return await self._apply(write, key, owner)
                    case Create():
                        return Outcome(await self._create(write, key, owner))
                    case Patch():
                        return await self._patch(write, key, owner)
                    case Delete():
                        return Outcome(await self._delete(write, key))
                    case _:
                        assert_never(write)
        except ApiError as error:
            refusal = refusal_of(write, error)
            if refusal is None:
                raise
            raise refusal from error

    async def _send(
        self, resource: Resource, desired: Object, live: Object | None, send: Callable[[], Awaitable[Object]]
    ) -> Object:
        """Applies, creates or repairs a child. Raises the last Refusal again while its retry isn't due: other changes
        cause passes in between."""
        meta = desired["metadata"]
        child = (resource, meta["namespace"], meta["name"])
        refused = self._refused.pop(child, None)
        if refused and refused[0] == _fingerprint(desired, live) and time.monotonic() < refused[2]:
            self._refused[child] = refused
            raise refused[1]
        try:
            return await send()
        except ApiError as error:
            if refusal := refusal_of(Apply(resource, desired), error):
                # Forget the refusal 5 s early: the retry that is planned for then must reach the API server.
                retry_at = time.monotonic() + refusal.retry_after - 5
                self._refused[child] = (_fingerprint(desired, live), refusal, retry_at)
            raise

    def _forget(self, resource: Resource, before: Object | None, after: Object | None, writer: Key | None) -> None:
        if before is not None and after is None:
            child = (resource, before["metadata"]["uid"])
            self._settled.pop(child, None)
            self._kept.pop(child, None)
            self._corrections.forget(child)

    async def _apply(self, write: Apply, key: Key, owner: Object) -> Outcome:
        desired = _labelled(write.resource, write.manifest)
        manifest_hash = digest(desired)
        desired["metadata"]["annotations"] = {**desired["metadata"].get("annotations", {}), APPLIED: manifest_hash}
        meta = desired["metadata"]
        live = self._store.get(write.resource, meta["namespace"], meta["name"])
        if live is None:
            # The store lacks objects without our label, and an apply would take over one of this name.
            live = await self._client.get(write.resource, meta["namespace"], meta["name"])
            if live is None:
                if not await self._owner_exists(key, owner):
                    return Outcome(False)
                await self._written(write.resource, desired, None, key)
                return Outcome(True)
            live = {**with_others(live), "apiVersion": write.resource.api_version, "kind": write.resource.kind}
        if "deletionTimestamp" in live["metadata"]:
            return Outcome(False)  # the DELETED event will trigger the pass that creates the next one
        own = await self._own(write.resource, desired, live, owner, key)
        if own is not live or _was_restored(own):
            await self._take_over(write.resource, desired, own, key)
            return Outcome(True, (adopted_note(own, owner),))
        drifts = self._drift(write.resource, desired, live)
        if not drifts and self._settles(write.resource, desired, live):
            return Outcome(False)
        return await self._correct(write.resource, desired, live, drifts, key, owner)

    def _drift(self, resource: Resource, desired: Object, live: Object) -> tuple[Drift, ...]:
        """Returns what others set, without the additions that come back when they are removed."""
        drifts = drift(desired, live, live["metadata"].get("managedFields") or ())
        if self._kept.get((resource, live["metadata"]["uid"])) == _additions(drifts):
            return tuple(item for item in drifts if not item.added)
        return drifts

    def _settles(self, resource: Resource, desired: Object, live: Object) -> bool:
        """Whether the child has all that the manifest sets, or what the API server made of it."""
        settled = self._settled.get((resource, live["metadata"]["uid"]))
        return holds(live, desired) or settled == (_applied(desired), digest(likeness(live, desired)))

    async def _correct(
        self, resource: Resource, desired: Object, live: Object, drifts: tuple[Drift, ...], key: Key, owner: Object
    ) -> Outcome:
        """Brings an existing child in line with its manifest, and tells what others had made of it.

        An apply leaves fields that others added. They are removed by a patch, which also sets our own fields: a part of
        the correction alone, such as a probe without a handler, may not be valid.
        """
        child = (resource, live["metadata"]["uid"])
        # A child without the annotation had it, too: we never write one without it.
        again = _applied(live) in (None, _applied(desired))
        if again and (wait := self._corrections.wait(child, drifts)):
            return Outcome(False, after=wait)
        before, notes = live, list[Note]()
        if any(item.added for item in drifts):
            live = await self._repair(resource, desired, live, drifts, key)
            left = [item for item in drift(desired, live, live["metadata"].get("managedFields") or ()) if item.added]
            if left:
                self._kept[child] = _additions(left)
            # What is ours is a default that has come back.
            if theirs := [item for item in left if item.manager != FIELD_MANAGER]:
                notes.append(kept_note(live, theirs))
        if self._drift(resource, desired, live) or not self._settles(resource, desired, live):
            live = await self._written(resource, desired, live, key)
        if told := undone(desired, before, live, drifts, again):
            notes.insert(0, note_of(live, owner, told, self._corrections.count(child, drifts)))
        return Outcome(True, tuple(notes))

    async def _repair(
        self, resource: Resource, desired: Object, live: Object, drifts: tuple[Drift, ...], key: Key
    ) -> Object:
        """Removes what others added, and sets our own fields beside it."""
        body = difference(live, repaired(desired, live, drifts))
        meta = {**body.get("metadata", {}), "name": live["metadata"]["name"]}
        patch = lambda: self._patched(resource, live, {**body, "metadata": meta}, key)  # noqa: E731
        return await self._send(resource, desired, live, patch)

    async def _take_over(self, resource: Resource, desired: Object, live: Object, key: Key) -> None:
        """Makes an adopted child ours wholly: as its manifest says, and without another field manager.

        Whoever restored the child has set each of its fields by name, and the API server's defaults among them. Left
        so, a later change of ours would look like the correction of theirs, and a field that we drop would stay.
        """
        drifts = drift(desired, live, live["metadata"].get("managedFields") or ())
        if any(item.added for item in drifts):
            live = await self._repair(resource, desired, live, drifts, key)
        answer = await self._send_apply(resource, desired, live)
        body = {"metadata": {"managedFields": without_others(answer["metadata"].get("managedFields") or ())}}
        self._settle(resource, desired, await self._patched(resource, answer, body, key))

    async def _written(self, resource: Resource, desired: Object, live: Object | None, key: Key) -> Object:
        """Applies a manifest, remembers what the API server made of it, and returns that."""
        answer = self._stored(resource, await self._send_apply(resource, desired, live), key)
        self._settle(resource, desired, answer)
        return answer

    async def _send_apply(self, resource: Resource, desired: Object, live: Object | None) -> Object:
        apply = lambda: self._client.apply(resource, _with_precondition(desired, live))  # noqa: E731
        return await self._send(resource, desired, live, apply)

    def _settle(self, resource: Resource, desired: Object, answer: Object) -> None:
        child = (resource, answer["metadata"]["uid"])
        if holds(answer, desired):
            self._settled.pop(child, None)
        else:
            self._settled[child] = (_applied(desired), digest(likeness(answer, desired)))

    def _stored(self, resource: Resource, answer: Object, key: Key) -> Object:
        """Keeps the answer of a write, and returns it as the store holds it."""
        self._store_answer(resource, answer, key)
        return {**with_others(answer), "apiVersion": resource.api_version, "kind": resource.kind}

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
        desired = _labelled(write.resource, write.manifest)
        namespace, name = desired["metadata"]["namespace"], desired["metadata"]["name"]
        live = self._store.get(write.resource, namespace, name)
        if live is not None:
            return await self._own(write.resource, desired, live, owner, key) is not live
        if self._store.has_gone(write.resource, namespace, name) and not await self._owner_exists(key, owner):
            return False
        try:
            answer = await self._send(
                write.resource, desired, None, lambda: self._client.create(write.resource, desired)
            )
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            # The object is either ours, from an attempt whose answer was lost, or somebody else's.
            existing = await self._client.get(write.resource, namespace, name)
            if existing is None:
                raise
            answer = await self._own(write.resource, desired, existing, owner, key)
            if body := _labels_lost(desired, answer):
                # Somebody has removed a label by which the store finds it: without it nothing more would be seen of it.
                answer = await self._patched(write.resource, answer, body, key)
        self._store_answer(write.resource, answer, key)
        return True

    async def _own(self, resource: Resource, desired: Object, live: Object, owner: Object, key: Key) -> Object:
        """Returns the live object, adopted if its owner is gone. Raises Refusal if it belongs to somebody else."""
        if controller_of(desired).get("uid") == controller_of(live).get("uid"):
            return live
        if not is_orphan_of(live, owner, datetime.now(UTC)):
            raise name_taken(resource, desired, live)
        body = {"metadata": {"ownerReferences": owners_after(live, controller_of(desired))}}
        return await self._patched(resource, live, body, key)

    async def _patched(self, resource: Resource, live: Object, body: Object, key: Key) -> Object:
        """Patches the version of a child that was seen, and returns what the store holds after it."""
        meta = live["metadata"]
        answer = await self._client.patch(resource, meta["namespace"], meta["name"], _with_precondition(body, live))
        return self._stored(resource, answer, key)

    async def _patch(self, write: Patch, key: Key, owner: Object) -> Outcome:
        meta = {**write.body.get("metadata", {}), "uid": write.uid}
        body = {**write.body, "metadata": meta}
        own = write.uid == owner["metadata"]["uid"]
        live = self._store.get(write.resource, write.namespace, write.name)
        if live is not None and live["metadata"]["uid"] != write.uid:
            live = None
        if live is not None and patched(live, body):
            return Outcome(False)
        child, drifts = (write.resource, write.uid), set_by_others(body, live) if live is not None else ()
        if drifts and live is not None and (wait := self._corrections.wait(child, drifts)):
            return Outcome(False, after=wait)
        if own:
            # Patch only the version ``decide`` saw: the status write that follows uses the answer's version.
            body = _with_precondition(body, owner)
        elif live is not None:
            body = _with_precondition(body, live)
        try:
            answer = await self._client.patch(write.resource, write.namespace, write.name, body)
        except ApiError as error:
            if error.code != 404:
                raise
            return Outcome(self._store.gone(write.resource, write.namespace, write.name, write.uid, key))
        self._store_answer(write.resource, answer, key)
        if own:
            owner["metadata"]["resourceVersion"] = answer["metadata"]["resourceVersion"]
        if not drifts or live is None:
            return Outcome(True)
        return Outcome(True, (note_of(live, owner, drifts, self._corrections.count(child, drifts)),))

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


def _was_restored(child: Object) -> bool:
    """Whether somebody else has made the child, as from a backup, and we have adopted it but not applied it yet.

    Only then the label by which we find it is another manager's: whoever changes that gives it another value.
    """
    labels = child["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY) == "modelyard" and foreign(child, ("f:metadata", "f:labels", f"f:{MANAGED_BY}"))


def _applied(obj: Object) -> str | None:
    """Returns the hash of the manifest that a child was last applied from."""
    return (obj["metadata"].get("annotations") or {}).get(APPLIED)


def _additions(drifts: Iterable[Drift]) -> str:
    return digest([item.path for item in drifts if item.added])


def _labels_lost(desired: Object, live: Object) -> Object:
    """Returns the patch of the labels that a created child lacks or that were changed, empty if there are none."""
    labels, wanted = live["metadata"].get("labels") or {}, desired["metadata"]["labels"]
    lost = {key: value for key, value in wanted.items() if labels.get(key) != value}
    return {"metadata": {"labels": lost}} if lost else {}


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


def _labelled(resource: Resource, manifest: Object) -> Object:
    """Returns the manifest with its kind and the label ``MANAGED_BY``."""
    meta = {**manifest["metadata"], "labels": {**manifest["metadata"].get("labels", {}), MANAGED_BY: "modelyard"}}
    return {**manifest, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
