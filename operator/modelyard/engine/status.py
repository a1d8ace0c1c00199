"""The one status write of a pass: what differs, and nothing when nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modelyard.engine.conditions import conditions, stalled
from modelyard.engine.resource import Object


def without_nulls(value: Any) -> Any:
    """A field that is None is a field that isn't there: the API server keeps no nulls."""
    match value:
        case Mapping():
            return {key: without_nulls(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [without_nulls(item) for item in value]
        case _:
            return value


def difference(current: Object, wanted: Object) -> Object:
    """The JSON merge-patch that makes ``current`` equal to ``wanted``; empty when it is (neither may hold nulls)."""
    patch: Object = {key: None for key in current if key not in wanted}
    for key, value in wanted.items():
        old = current.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := difference(old, value):
                patch[key] = inner
        elif key not in current or old != value:
            patch[key] = value
    return patch


def refused(obj: Object, status: Object | None, reason: str, message: str, now: datetime) -> Object:
    """The status of an object one of whose children the API server refused: Ready False, Stalled True."""
    before = obj.get("status") or {}
    base = dict(status if status is not None else before)
    ours = {"Ready", "Reconciling", "Stalled", "Complete"}
    kept = [item for item in base.get("conditions", ()) if item["type"] not in ours]
    generation = obj["metadata"].get("generation", 0)
    told = conditions(stalled(reason, message), before.get("conditions", ()), generation, now)
    return {**base, "observedGeneration": generation, "conditions": [*told, *kept]}
