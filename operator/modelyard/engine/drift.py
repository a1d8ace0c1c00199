"""Finds what others changed in a child that is ours, and how it has to look instead. Pure.

What we apply is ours wholly: fields that we set, and fields beside them in spec or data that somebody set by name. A
server-side apply takes back the former, but it leaves the latter, such as one more variable of a container.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.engine.compare import holds
from modelyard.engine.ownership import FIELD_MANAGER, Path, leaves
from modelyard.engine.resource import Object

ALLOWED = {
    # kubectl rollout restart, and tools that restart pods when a Secret changes.
    "Deployment": (("spec", "template", "metadata", "annotations"),),
    # Who binds a claim names its volume, and the admission of a claim without a class names the default one.
    "PersistentVolumeClaim": (
        ("spec", "storageClassName"),
        ("spec", "volumeAttributesClassName"),
        ("spec", "volumeMode"),
        ("spec", "volumeName"),
    ),
    # The cluster's network allocates these.
    "Service": (
        ("spec", "clusterIP"),
        ("spec", "clusterIPs"),
        ("spec", "ipFamilies"),
        ("spec", "ipFamilyPolicy"),
        ("spec", "ports", "nodePort"),
    ),
}
"""Kind -> fields beside ours that others may add. Labels and annotations of the child itself are theirs as well."""
ITEM_KEYS = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "env": (("name",),),
    "volumes": (("name",),),
    "volumeMounts": (("mountPath",),),
    "imagePullSecrets": (("name",),),
    "ownerReferences": (("uid",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
}
"""Lists whose items have an identity -> the fields that identify an item. All other lists are replaced as a whole."""
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that somebody else set. ``added`` means that we don't set it, ``manager`` is the field manager."""

    path: Path
    manager: str
    added: bool


def drift(desired: Object, live: Object, managed_fields: Iterable[Object]) -> tuple[Drift, ...]:
    """Returns what other managers changed or added, sorted by path.

    ``managed_fields`` are those of :func:`modelyard.engine.ownership.others`. A field without an owner is a default of
    the API server or comes from a mutating webhook, so it is never drift.
    """
    result: dict[Path, Drift] = {}
    for entry in managed_fields:
        manager = entry["manager"]
        for path in leaves(entry["fieldsV1"]):
            if _at(live, path) is _ABSENT:
                continue
            depth = next((depth for depth in range(1, len(path) + 1) if _at(desired, path[:depth]) is _ABSENT), 0)
            if depth:
                if path[0] != "f:metadata" and not _allowed(desired["kind"], path[:depth]):
                    result.setdefault(path[:depth], Drift(path[:depth], manager, True))
            elif manager != FIELD_MANAGER and _at(live, path) != _at(desired, path):
                result.setdefault(path, Drift(path, manager, False))
    return tuple(result[path] for path in sorted(result))


def repaired(desired: Object, live: Object, drifts: Iterable[Drift]) -> Object:
    """Returns the live object without what was added and with what we set. Defaults inside it stay."""
    pruned = copy.deepcopy(live)
    for item in drifts:
        if item.added:
            _remove(pruned, item.path)
    merged: Object = _overlaid(pruned, desired, "")
    return merged


def set_by_others(body: Object, live: Object) -> tuple[Drift, ...]:
    """Returns the fields which a merge-patch of ours changes and that another manager set."""
    result = []
    for entry in live["metadata"].get("managedFields") or ():
        for path in leaves(entry["fieldsV1"]):
            value = _at(body, path)
            if value is not _ABSENT and value != _at(live, path):
                result.append(Drift(path, entry["manager"], value is None))
    return tuple(result)


def undone(desired: Object, before: Object, after: Object, drifts: Iterable[Drift], again: bool) -> tuple[Drift, ...]:
    """Returns what a write has really undone, to be told.

    ``again`` means that the same manifest was applied before, so that each of our fields that the write changed had
    been changed or removed by somebody, who has no name if no manager owns the field (any more). Comparing the object
    before and after the write leaves out what only looks different, such as a quantity in another notation.
    """
    known = [
        item for item in drifts if item.manager != FIELD_MANAGER and _at(before, item.path) != _at(after, item.path)
    ]
    paths = [item.path for item in known]
    if again:
        unknown = [path for path in _differences(desired, before, after, ()) if not _covered(path, paths)]
        known += [Drift(path, "", False) for path in unknown]
    return tuple(known)


def _covered(path: Path, known: Iterable[Path]) -> bool:
    return any(path[: len(item)] == item or item[: len(path)] == path for item in known)


def _allowed(kind: str, path: Path) -> bool:
    names = tuple(step[2:] for step in path if step.startswith("f:"))
    return any(names[: len(prefix)] == prefix for prefix in ALLOWED.get(kind, ()))


def _at(value: Any, path: Path) -> Any:
    for step in path:
        kind, name = step.split(":", 1)
        match kind:
            case "f":
                value = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
            case "k":
                value = _item(value, json.loads(name))
            case "v":
                wanted = json.loads(name)
                value = wanted if isinstance(value, list) and wanted in value else _ABSENT
            case _:
                value = value[int(name)] if isinstance(value, list) and int(name) < len(value) else _ABSENT
        if value is _ABSENT:
            break
    return value


def _item(items: Any, keys: Mapping[str, Any]) -> Any:
    if not isinstance(items, list | tuple):
        return _ABSENT
    matching = (item for item in items if isinstance(item, Mapping) and keys.items() <= item.items())
    return next(matching, _ABSENT)


def _remove(obj: Any, path: Path) -> None:
    holder, (kind, name) = _at(obj, path[:-1]), path[-1].split(":", 1)
    if isinstance(holder, dict):
        holder.pop(name, None)
    elif isinstance(holder, list):
        gone = _at(holder, (path[-1],)) if kind != "i" else holder[int(name)]
        holder[:] = [item for item in holder if item is not gone and item != gone]


def _keys(field: str, items: Iterable[Any]) -> tuple[str, ...]:
    """Returns the fields that identify the items of a list, or nothing if the list is replaced as a whole."""
    items = list(items)
    for keys in ITEM_KEYS.get(field, ()):
        if all(isinstance(item, Mapping) and all(key in item for key in keys) for item in items):
            return keys
    return ()


def _overlaid(live: Any, desired: Any, field: str) -> Any:
    if isinstance(live, dict) and isinstance(desired, Mapping):
        return {**live, **{key: _overlaid(live.get(key), value, key) for key, value in desired.items()}}
    if isinstance(live, list) and isinstance(desired, list | tuple):
        if keys := _keys(field, [*live, *desired]):
            result = list(live)
            for item in desired:
                same = _item(result, {key: item[key] for key in keys})
                if same is _ABSENT:
                    result.append(item)
                else:
                    result[result.index(same)] = _overlaid(same, item, "")
            return result
        return live if holds(live, desired) else list(desired)
    return desired


def _differences(desired: Any, before: Any, after: Any, path: Path) -> list[Path]:
    """Returns the paths of the fields of ``desired`` in which the two objects differ."""
    if before == after:
        return []
    if isinstance(desired, Mapping) and isinstance(before, Mapping) and isinstance(after, Mapping):
        return [
            each
            for key, value in desired.items()
            for each in _differences(value, before.get(key), after.get(key), (*path, f"f:{key}"))
        ]
    keys = _keys(path[-1][2:], desired) if path and isinstance(desired, list | tuple) else ()
    if keys and isinstance(before, list) and isinstance(after, list):
        result = []
        for item in desired:
            identity = {key: item[key] for key in keys}
            step = "k:" + json.dumps(identity, separators=(",", ":"))
            old, new = (None if (it := _item(items, identity)) is _ABSENT else it for items in (before, after))
            result += _differences(item, old, new, (*path, step))
        return result
    return [path]
