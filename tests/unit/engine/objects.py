"""Builds plain objects of a test kind, Widget, for the engine's tests."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import Key, Object, Resource
from modelyard_api import GROUP, VERSION

WIDGETS = Resource(GROUP, VERSION, "widgets", "Widget")


def widget(name: str, version: int, uid: str = "", namespace: str = "one", **more: Any) -> Object:
    meta = {"namespace": namespace, "name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    meta |= more.pop("metadata", {})
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Widget", "metadata": meta, **more}


def key(name: str, namespace: str = "one") -> Key:
    return Key(WIDGETS, namespace, name)
