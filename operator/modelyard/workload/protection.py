"""Protects objects that others use from deletion, as Kubernetes protects a PersistentVolumeClaim that pods use.

A deletion is accepted and waits: a finalizer keeps the object until nothing uses it. Only objects that are used now
have the finalizer, so that few objects wait for an operator that was removed. It is the object's own controller that
adds and removes it. When a namespace ends, the users end too, and then what they used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from modelyard.engine.conditions import Condition, conditions, find
from modelyard.engine.plan import Note, Patch, Plan
from modelyard.engine.resource import Object, Resource

FINALIZER = "modelyard.dev/in-use"
BLOCKED = "DeletionBlocked"
"""Condition of an object that is being deleted and still used. It exists only while it is True."""
LISTED_USERS = 5
"""Number of users that a message names."""


def is_being_deleted(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def protected(plan: Plan, resource: Resource, raw: Object, users: Sequence[str]) -> Plan:
    """Returns the plan of an object that exists, with the finalizer added or removed if that is due."""
    if bool(users) == _is_held(raw):
        return plan
    finalizers = raw["metadata"].get("finalizers") or []
    new = [*finalizers, FINALIZER] if users else [item for item in finalizers if item != FINALIZER]
    return replace(plan, writes=(_patch(resource, raw, new), *plan.writes))


def leaving(resource: Resource, raw: Object, users: Sequence[str], now: datetime) -> Plan:
    """Returns the plan of an object that is being deleted: it says for whom it waits, or lets the object go."""
    if not _is_held(raw):
        return Plan()
    if not users:
        others = [item for item in raw["metadata"]["finalizers"] if item != FINALIZER]
        return Plan(writes=(_patch(resource, raw, others),))
    message = _message(resource, raw, users)
    before, status = find(raw, BLOCKED), raw.get("status") or {}
    generation, previous = raw["metadata"].get("generation", 0), status.get("conditions") or ()
    kept = [{**item, "observedGeneration": generation} for item in previous if item["type"] != BLOCKED]
    blocked = conditions((Condition(BLOCKED, True, "InUse", message, True),), previous, generation, now)
    is_new = before is None or before["message"] != message
    notes = (Note("InUse", message, "Warning"),) if is_new else ()
    return Plan({**status, "observedGeneration": generation, "conditions": [*kept, *blocked]}, notes=notes)


def _is_held(raw: Object) -> bool:
    return FINALIZER in (raw["metadata"].get("finalizers") or ())


def _patch(resource: Resource, raw: Object, finalizers: list[str]) -> Patch:
    meta = raw["metadata"]
    body = {"metadata": {"finalizers": finalizers}}
    return Patch(resource, meta["namespace"], meta["name"], meta["uid"], body)


def _message(resource: Resource, raw: Object, users: Sequence[str]) -> str:
    listed = ", ".join(users[:LISTED_USERS])
    more = f" and {len(users) - LISTED_USERS} more" if len(users) > LISTED_USERS else ""
    meta = raw["metadata"]
    command = (
        f"kubectl patch {resource.kind.lower()} {meta['name']} -n {meta['namespace']} --type=merge "
        """-p '{"metadata":{"finalizers":null}}'"""
    )
    return (
        f"it is deleted once nothing uses it any more: it is used by {listed}{more}; delete them, or let them use "
        f"something else. To delete it all the same: {command}"
    )
