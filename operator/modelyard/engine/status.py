"""Computes the one status write of a pass: a patch of what differs, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modelyard.engine.conditions import conditions, stalled
from modelyard.engine.resource import Object


def without_nulls(value: Any) -> Any:
    """Returns a copy without fields that are None: the API server doesn't store nulls."""
    match value:
        case Mapping():
            return {key: without_nulls(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [without_nulls(item) for item in value]
        case _:
            return value


def difference(current: Object, desired: Object) -> Object:
    """Returns the JSON merge-patch from ``current`` to ``desired``, empty if they are equal. Neither may hold nulls."""
    patch: Object = {key: None for key in current if key not in desired}
    for key, value in desired.items():
        old = current.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := difference(old, value):
                patch[key] = inner
        elif key not in current or old != value:
            patch[key] = value
    return patch


def refused(obj: Object, status: Object | None, reason: str, message: str, now: datetime) -> Object:
    """Returns the status of an object after the API server refused one of its children: Ready False, Stalled True."""
    before = obj.get("status") or {}
    base = dict(status if status is not None else before)
    replaced = {"Ready", "Reconciling", "Stalled", "Complete", "Suspended"}
    kept = [item for item in base.get("conditions", ()) if item["type"] not in replaced]
    generation = obj["metadata"].get("generation", 0)
    stalled_conditions = conditions(stalled(reason, message), before.get("conditions", ()), generation, now)
    return {**base, "observedGeneration": generation, "conditions": [*stalled_conditions, *kept]}
