"""Whether a live object is already what a write would make it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from modelyard.engine.resource import Object


def holds(live: Any, desired: Any) -> bool:
    """Whether everything that is desired is there; what others added to objects (defaults) doesn't matter."""
    match desired:
        case Mapping():
            return isinstance(live, Mapping) and all(
                key in live and holds(live[key], value) for key, value in desired.items()
            )
        case list() | tuple():
            return (
                isinstance(live, list)
                and len(live) == len(desired)
                and all(holds(one, other) for one, other in zip(live, desired, strict=True))
            )
        case _:
            return bool(live == desired)


def patched(live: Object, body: Mapping[str, Any]) -> bool:
    """Whether a merge-patch would change nothing."""
    for key, value in body.items():
        if isinstance(value, Mapping):
            there = live.get(key) or {}
            if not isinstance(there, dict) or not patched(there, value):
                return False
        elif live.get(key) != value:
            return False
    return True


def likeness(live: Any, desired: Any) -> Any:
    """The part of ``live`` that ``desired`` speaks of."""
    if isinstance(live, dict) and isinstance(desired, Mapping):
        return {key: likeness(live[key], value) for key, value in desired.items() if key in live}
    if isinstance(live, list) and isinstance(desired, list | tuple) and len(live) == len(desired):
        return [likeness(one, other) for one, other in zip(live, desired, strict=True)]
    return live


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
