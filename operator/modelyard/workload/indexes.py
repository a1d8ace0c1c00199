"""Indexes of the store that several kinds look things up by."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine.resource import Object


def by_model(obj: Object) -> Iterable[str]:
    """``namespace/model`` of an object with a ``spec.modelRef``."""
    return (f"{obj['metadata']['namespace']}/{obj['spec']['modelRef']['name']}",)


def by_pool(obj: Object) -> Iterable[str]:
    """``namespace/pool`` of each ModelPool that a ModelDeployment asks for, or is still served by."""
    names = ((obj.get("spec") or {}).get("pool"), (obj.get("status") or {}).get("pool"))
    return tuple(dict.fromkeys(f"{obj['metadata']['namespace']}/{name}" for name in names if name))
