"""Takes over versions and children whose owner is gone, because they come from a backup or their owner was orphaned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from modelyard.engine.adopt import controller_of, may_own, owners_after
from modelyard.engine.plan import Patch
from modelyard.engine.resource import Object, Resource
from modelyard.workload.names import owner_reference

LOOK_AGAIN = timedelta(seconds=20)
"""Interval of looking whether Kubernetes deletes a version of an owner that is gone."""


def adoption(resource: Resource, child: Object, owner: Object, more: dict[str, Any] | None = None) -> Patch:
    """Returns the patch that makes ``owner`` the controller of a child. ``more`` is what else changes in metadata."""
    meta, of = child["metadata"], owner["metadata"]
    references = owners_after(child, owner_reference(owner["kind"], of["name"], of["uid"]))
    body = {"metadata": {**(more or {}), "ownerReferences": references}}
    return Patch(resource, meta["namespace"], meta["name"], meta["uid"], body)


def adoptions(children: Mapping[Resource, Iterable[Object]], owner: Object) -> tuple[Patch, ...]:
    """Returns the patches that make ``owner`` the controller of each child."""
    return tuple(adoption(resource, child, owner) for resource, objects in children.items() for child in objects)


def due(child: Object, owner: Object | None, now: datetime) -> tuple[bool, datetime | None]:
    """Returns whether a version is adopted by its ``owner`` now, and else when to look again, if that may come."""
    controller = controller_of(child)
    if owner is None or (controller and controller.get("uid") == owner["metadata"]["uid"]):
        return False, None
    if may_own(child, owner, now):
        return True, None
    same = (controller.get("kind"), controller.get("name")) == (owner["kind"], owner["metadata"]["name"])
    return False, now + LOOK_AGAIN if same else None
