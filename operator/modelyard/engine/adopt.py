"""Recognizes children without a living owner, which an object of the owner's name takes over.

They come from a backup, from ``kubectl delete --cascade=orphan``, or from an owner that was deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from modelyard.engine.conditions import parse_time
from modelyard.engine.resource import Object

MANAGED_BY = "app.kubernetes.io/managed-by"
"""Label of every child. The feed selects children by its value ``modelyard``."""
COLLECTED_AFTER = timedelta(seconds=60)
"""Time that Kubernetes gets to delete the children of an owner that is gone, before its successor takes them over."""


def controller_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the ownerReference with ``controller: true``, or an empty mapping."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), {})


def is_orphan_of(child: Object, owner: Object, now: datetime) -> bool:
    """Whether ``owner`` may take the child over: its labels name the owner, and no living object owns it.

    Of the owner's kind and name only ``owner`` itself lives. So a reference to these with another uid is to an object
    that is gone, and Kubernetes usually deletes the child at once.
    """
    labels = child["metadata"].get("labels") or {}
    if labels.get(MANAGED_BY) != "modelyard" or labels.get(_parent_label(owner)) != owner["metadata"]["name"]:
        return False
    return may_own(child, owner, now)


def may_own(child: Object, owner: Object, now: datetime) -> bool:
    """Whether no living object owns the child, whatever its labels say."""
    if child["metadata"].get("deletionTimestamp"):
        return False
    controller, meta = controller_of(child), owner["metadata"]
    if not controller:
        return True
    if (controller.get("kind"), controller.get("name")) != (owner["kind"], meta["name"]):
        return False
    created = [parse_time(obj["metadata"]["creationTimestamp"]) for obj in (child, owner)]
    return controller.get("uid") != meta["uid"] and now - max(created) >= COLLECTED_AFTER


def owners_after(child: Object, controller: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the ownerReferences of an adopted child: those that are no controller, and the new controller."""
    others = [item for item in child["metadata"].get("ownerReferences") or () if not item.get("controller")]
    return [*others, controller]


def _parent_label(owner: Object) -> str:
    return f"modelyard.dev/{owner['kind'].lower()}"
