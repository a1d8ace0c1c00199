"""Indexes of the store that several kinds look things up by."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine.resource import Object


def by_model(obj: Object) -> Iterable[str]:
    """``namespace/model`` of an object with a ``spec.modelRef``."""
    return (f"{obj['metadata']['namespace']}/{obj['spec']['modelRef']['name']}",)
