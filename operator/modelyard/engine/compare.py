"""Compares a live object with what a write would make of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from modelyard.engine.resource import Object


def holds(live: Any, desired: Any) -> bool:
    """Whether ``live`` contains everything in ``desired``. Extra keys, such as defaults, don't matter."""
    match desired:
        case Mapping():
            return isinstance(live, Mapping) and all(
                key in live and holds(live[key], value) for key, value in desired.items()
            )
        case list() | tuple():
            return (
                isinstance(live, list)
                and len(live) == len(desired)
                and all(holds(item, value) for item, value in zip(live, desired, strict=True))
            )
        case _:
            return bool(live == desired)


def patched(live: Object, body: Mapping[str, Any]) -> bool:
    """Whether the merge-patch ``body`` would change nothing in ``live``."""
    for key, value in body.items():
        if isinstance(value, Mapping):
            inner = live.get(key) or {}
            if not isinstance(inner, dict) or not patched(inner, value):
                return False
        elif live.get(key) != value:
            return False
    return True


def likeness(live: Any, desired: Any) -> Any:
    """Returns the part of ``live`` whose fields ``desired`` names."""
    if isinstance(live, dict) and isinstance(desired, Mapping):
        return {key: likeness(live[key], value) for key, value in desired.items() if key in live}
    if isinstance(live, list) and isinstance(desired, list | tuple) and len(live) == len(desired):
        return [likeness(item, value) for item, value in zip(live, desired, strict=True)]
    return live


def digest(value: Any) -> str:
    """Returns the first 16 hex digits of the SHA-256 of the value's JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
