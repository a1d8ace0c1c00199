"""Reads who set the fields of an object, from its ``metadata.managedFields``.

A path is a tuple of the steps of the API server's format ``fieldsV1``: ``f:spec``, ``k:{"name":"server"}`` for an item
of a list with keys, and ``v:"value"`` for an item of a set. Defaults of the API server and what a mutating webhook
adds belong to nobody, so whatever another manager owns was set by somebody, by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelyard.engine.resource import Object

FIELD_MANAGER = "modelyard"
OUR_PREFIXES = ("modelyard.dev/", "app.kubernetes.io/")
"""Prefixes of the labels and annotations that we set on children. All others belong to whoever sets them."""
Path = tuple[str, ...]


def leaves(fields: Mapping[str, Any]) -> Iterator[Path]:
    """Yields the paths of a ``fieldsV1`` that have no further steps."""
    for step, inner in fields.items():
        if step == ".":
            continue
        deeper = list(leaves(inner))
        yield from ((step, *rest) for rest in deeper or [()])


def others(managed_fields: Iterable[Object]) -> list[Object]:
    """Returns what other managers own and we don't, as entries with ``manager`` and ``fieldsV1``.

    Left out are status and metadata, except our own labels and annotations. Fields that only a patch of ours set are
    included under our own name: a server-side apply does not remove them once the manifest lacks them. The result is
    empty for an object of which we own nothing.
    """
    own = {"Apply": set[Path](), "Update": set[Path]()}
    entries, ours = list[Object](), list[Object]()
    for entry in managed_fields:
        (ours if entry.get("manager") == FIELD_MANAGER else entries).append(entry)
    if any(entry.get("operation") == "Apply" for entry in ours):
        entries += [entry for entry in ours if entry.get("operation") != "Apply"]
    owned = [(entry.get("manager") or "unknown", _mattering(entry)) for entry in entries]
    if not ours or not any(paths for _, paths in owned):
        return []  # as for almost every child
    for entry in ours:
        own[entry.get("operation", "Update")] |= set(leaves(entry.get("fieldsV1") or {}))
    result = []
    for manager, paths in owned:
        paths -= own["Apply"] if manager == FIELD_MANAGER else own["Apply"] | own["Update"]
        if paths:
            result.append({"manager": manager, "fieldsV1": _nested(sorted(paths))})
    return result


def with_others(obj: Object) -> Object:
    """Returns a copy whose managedFields are reduced to :func:`others`, and left out if nobody else owns anything."""
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    if entries := others(obj["metadata"].get("managedFields") or ()):
        meta["managedFields"] = entries
    return {**obj, "metadata": meta}


def without_others(managed_fields: Iterable[Object]) -> list[Object]:
    """Returns the entries of our applies and of Kubernetes itself."""
    return [
        entry
        for entry in managed_fields
        if (entry.get("manager"), entry.get("operation")) == (FIELD_MANAGER, "Apply")
        or entry.get("manager") == "kube-controller-manager"
        or entry.get("subresource") == "status"
    ]


def writers_of_replicas(managed_fields: Iterable[Object]) -> list[Object]:
    """Returns the entries of those who set ``spec.replicas``, with nothing but that field."""
    fields: Object = {"f:spec": {"f:replicas": {}}}
    return [
        {key: entry[key] for key in ("manager", "subresource") if key in entry} | {"fieldsV1": fields}
        for entry in managed_fields
        if "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or ())
    ]


def writer_of_replicas(obj: Object) -> str | None:
    """Returns the field manager whose manifest set ``spec.replicas``; None if it was scaled since, or nobody set it."""
    entries = writers_of_replicas(obj["metadata"].get("managedFields") or ())
    if not entries or any(entry.get("subresource") == "scale" for entry in entries):
        return None
    return str(entries[0].get("manager") or "unknown")[:128]


def foreign(obj: Object, path: Path) -> bool:
    """Whether another manager set the field of a child as the store holds it, and we didn't set it since."""
    entries = obj["metadata"].get("managedFields") or ()
    return any(path in leaves(entry["fieldsV1"]) for entry in entries if entry["manager"] != FIELD_MANAGER)


def written(path: Path) -> str:
    """Formats a path for people: ``spec.containers[name=server].image``."""
    text = ""
    for step in path:
        kind, name = step.split(":", 1)
        if kind == "f":
            text += f"[{name}]" if "/" in name else f".{name}"
        else:
            text += "[" + name.strip("{}").replace('"', "").replace(":", "=") + "]"
    return text.removeprefix(".")


def _mattering(entry: Object) -> set[Path]:
    """Returns the paths of an entry, without status and metadata but with our own labels and annotations."""
    if entry.get("subresource") == "status":
        return set()
    fields = entry.get("fieldsV1") or {}
    paths = set(leaves({key: value for key, value in fields.items() if key not in ("f:status", "f:metadata")}))
    ours = tuple(f"f:{prefix}" for prefix in OUR_PREFIXES)
    for part in ("f:labels", "f:annotations"):
        keys = (fields.get("f:metadata") or {}).get(part) or {}
        paths |= {("f:metadata", part, key) for key in keys if key.startswith(ours)}
    return paths


def _nested(paths: Iterable[Path]) -> Object:
    fields: Object = {}
    for path in paths:
        inner = fields
        for step in path:
            inner = inner.setdefault(step, {})
    return fields
