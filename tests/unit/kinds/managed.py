"""A world whose children are written by the engine's own Applier to an API server that keeps track of field managers.

It knows of server-side apply what Kubernetes documents: lists with keys, maps and lists that are replaced as a whole,
who owns which field, and that a field goes once nobody owns it. It fills in some defaults, which nobody owns.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Coroutine, Iterator
from itertools import pairwise
from typing import Any

from modelyard.engine.apply import Applier
from modelyard.engine.client import ApiError
from modelyard.engine.ownership import FIELD_MANAGER, Path, leaves
from modelyard.engine.plan import Apply, Create, Delete, Patch
from modelyard.engine.resource import BACKEND_POLICIES, HTTP_ROUTES, JOBS, SCALED_OBJECTS, Key, Object, Resource
from modelyard.workload.names import controller_uid
from tests.unit.kinds import rules
from tests.unit.kinds.world import Slot, World

_LISTS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_PORTS = {"Service": ("port", "protocol"), "Deployment": ("containerPort", "protocol")}
_ATOMIC = ("selector", "labelSelector", "nodeSelector", "scaleTargetRef")
_SYSTEM = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
_UNFED = (SCALED_OBJECTS, HTTP_ROUTES, BACKEND_POLICIES)
"""Resources of addons, which the operator reads and does not watch."""
Flat = dict[Path, Any]


class Managed(World):
    """Goes on from ``base``. Its children belong to the operator from the first pass on."""

    def __init__(self, base: World) -> None:
        super().__init__(base.installation)
        for name in ("now", "objects", "results", "pods", "serving", "events", "pages", "_version"):
            setattr(self, name, copy.deepcopy(getattr(base, name)))
        for (resource, _, _), obj in self.objects.items():
            if resource == JOBS:
                entry = {"manager": FIELD_MANAGER, "operation": "Update", "fieldsV1": _nested(set(flat(obj)))}
                obj["metadata"]["managedFields"] = [entry]
        self.restart()

    def restart(self) -> None:
        super().restart()
        self._applier = Applier(self.store, _Client(self), _Fed())  # type: ignore[arg-type]

    def _set_up_store(self) -> None:
        super()._set_up_store()
        for resource in {slot[0] for slot in self.objects} - set(self.controllers):
            self.store.attribute(resource)

    def edit(self, slot: Slot, obj: Object, manager: str) -> None:
        """Stores an object as a client with this field manager leaves it."""
        self.keep(slot, _updated(self.objects[slot], obj, manager))

    def keep(self, slot: Slot, obj: Object) -> Object:
        """Stores an object as the API server does: nothing happens if nothing is changed."""
        before = self.objects.get(slot)
        obj = {**obj, "apiVersion": slot[0].api_version, "kind": slot[0].kind}
        _fill_in(obj)
        if before is None:
            return self.put(slot[0], obj)
        if _without_version(before) == _without_version(obj):
            return copy.deepcopy(before)
        obj["metadata"]["generation"] = before["metadata"]["generation"] + (before.get("spec") != obj.get("spec"))
        return self._keep(slot, obj)

    def _carry_out(self, write: Apply | Create | Patch | Delete, key: Key, owner: Object) -> None:
        if isinstance(write, Apply):
            rules.check_child(write.resource, write.manifest)
        if isinstance(write, Create | Delete):
            super()._carry_out(write, key, owner)
            return
        outcome = _run(self._applier.carry_out(write, key, owner))
        self.writes += outcome.sent
        self.notes += [(f"{key.resource.kind}/{key.name}", note.reason, note.message) for note in outcome.notes]


class _Fed:
    def __contains__(self, resource: object) -> bool:
        return resource not in _UNFED


class _Client:
    """Answers the Applier, from the world's objects."""

    def __init__(self, world: Managed) -> None:
        self._world = world

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return copy.deepcopy(self._world.objects.get((resource, namespace, name)))

    async def apply(self, resource: Resource, manifest: Object) -> Object:
        meta = manifest["metadata"]
        slot = (resource, meta["namespace"], meta["name"])
        live = self._world.objects.get(slot)
        _check(live, meta)
        return self._world.keep(slot, applied(live, {**manifest, "kind": resource.kind}))

    async def patch(self, resource: Resource, namespace: str, name: str, body: Object) -> Object:
        slot = (resource, namespace, name)
        live = self._world.objects[slot]
        _check(live, body["metadata"])
        meta = {key: value for key, value in body["metadata"].items() if key not in ("uid", "resourceVersion")}
        return self._world.keep(slot, _updated(live, _merge(live, {**body, "metadata": meta}), FIELD_MANAGER))


def _check(live: Object | None, meta: Object) -> None:
    current = live["metadata"] if live else {}
    if any(name in meta and meta[name] != current.get(name) for name in ("uid", "resourceVersion")):
        raise ApiError(409, "Conflict", "the object has been modified")


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


# --- field managers ---------------------------------------------------------------------------------------------------


def flat(obj: Object) -> Flat:
    """Returns the fields of an object that somebody may own: path -> value."""
    parts = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "status", "metadata")}
    meta = {key: value for key, value in obj["metadata"].items() if key not in _SYSTEM}
    return dict(_flatten({**parts, "metadata": meta}, (), "", obj["kind"]))


def _flatten(value: Any, path: Path, field: str, kind: str) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and field not in _ATOMIC:
        for name, item in value.items():
            yield from _flatten(item, (*path, f"f:{name}"), name, kind)
    elif isinstance(value, list) and value and (keys := _list_keys(field, kind)):
        for item in value:
            step = "k:" + json.dumps({key: item[key] for key in keys}, separators=(",", ":"))
            yield from _flatten(item, (*path, step), "", kind)
    else:
        yield path, value


def _list_keys(field: str, kind: str) -> tuple[str, ...]:
    return _PORTS.get(kind, ()) if field == "ports" else _LISTS.get(field, ())


def unflat(fields: Flat) -> Object:
    """Returns the object with these fields; the reverse of :func:`flat`."""
    root: Object = {}
    for path, value in fields.items():
        if value in ({}, []) and any(other[: len(path)] == path and other != path for other in fields):
            continue
        holder: Any = root
        for step, following in pairwise(path):
            holder = _inner(holder, step, [] if following.startswith("k:") else {})
        holder[path[-1][2:]] = copy.deepcopy(value)
    return root


def _inner(holder: Any, step: str, empty: Any) -> Any:
    kind, name = step.split(":", 1)
    if kind == "f":
        return holder.setdefault(name, empty)
    keys = json.loads(name)
    for item in holder:
        if keys.items() <= item.items():
            return item
    holder.append(dict(keys))
    return holder[-1]


Owners = dict[tuple[str, str], set[Path]]


def owners_of(obj: Object) -> Owners:
    entries = obj["metadata"].get("managedFields") or ()
    return {(entry["manager"], entry["operation"]): set(leaves(entry["fieldsV1"])) for entry in entries}


def applied(live: Object | None, manifest: Object) -> Object:
    """Returns what a forced server-side apply by the operator makes of a live object."""
    wanted, current, us = flat(manifest), flat(live) if live else {}, (FIELD_MANAGER, "Apply")
    owners = owners_of(live) if live else {}
    dropped = owners.get(us, set()) - set(wanted)
    merged = {path: value for path, value in current.items() if path not in dropped or _owned(owners, us, path)}
    # Fields that are set replace what is above and below them.
    merged = {path: value for path, value in merged.items() if not any(_clash(path, other) for other in wanted)}
    merged |= wanted
    for owner, paths in owners.items():
        if owner != us:
            paths -= {path for path in paths if path in wanted and wanted[path] != current.get(path)}
    owners[us] = set(wanted)
    return _owned_by(live or manifest, merged, owners)


def _updated(live: Object, obj: Object, manager: str) -> Object:
    """Returns a live object after a write that isn't an apply: the writer owns what it changed."""
    before, after, owners = flat(live), flat(obj), owners_of(live)
    changed = {path for path in after if path not in before or before[path] != after[path]}
    for paths in owners.values():
        paths -= changed | (before.keys() - after.keys())
    owners.setdefault((manager, "Update"), set()).update(changed)
    return _owned_by(obj, after, owners)


def _owned(owners: Owners, us: tuple[str, str], path: Path) -> bool:
    return any(path in paths for owner, paths in owners.items() if owner != us)


def _clash(path: Path, other: Path) -> bool:
    return path != other and (path[: len(other)] == other or other[: len(path)] == path)


def _owned_by(base: Object, fields: Flat, owners: Owners) -> Object:
    obj = unflat(fields)
    kept = {key: base["metadata"][key] for key in _SYSTEM if key in base["metadata"]}
    kept["managedFields"] = [
        {"manager": manager, "operation": operation, "fieldsV1": _nested(paths)}
        for (manager, operation), paths in sorted(owners.items())
        if paths
    ]
    status = {"status": base["status"]} if "status" in base else {}
    return {"apiVersion": base.get("apiVersion"), "kind": base["kind"], **obj, **status} | {
        "metadata": {**obj.get("metadata", {}), **kept}
    }


def _nested(paths: set[Path]) -> Object:
    fields: Object = {}
    for path in sorted(paths):
        inner = fields
        for step in path:
            inner = inner.setdefault(step, {})
    return fields


def _merge(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    base = current if isinstance(current, dict) else {}
    merged = {key: value for key, value in base.items() if key not in patch}
    return copy.deepcopy(merged) | {
        key: _merge(base.get(key), value) for key, value in patch.items() if value is not None
    }


def _without_version(obj: Object) -> Object:
    meta = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "generation")}
    return {**obj, "metadata": meta}


def _fill_in(obj: Object) -> None:
    """Fills in defaults, and writes quantities in the API server's notation."""
    match obj["kind"]:
        case "Deployment":
            obj["spec"].setdefault("minReadySeconds", 0)
            pod = obj["spec"]["template"]["spec"]
            pod.setdefault("dnsPolicy", "ClusterFirst")
            for container in (*pod.get("containers", ()), *pod.get("initContainers", ())):
                container.setdefault("terminationMessagePath", "/dev/termination-log")
                for values in container.get("resources", {}).values():
                    values |= {name: {"1000m": "1"}.get(value, value) for name, value in values.items()}
        case "Service":
            obj["spec"].setdefault("type", "ClusterIP")
            obj["spec"].setdefault("clusterIP", "10.96.0.7")
        case "PodDisruptionBudget":
            obj["spec"].setdefault("unhealthyPodEvictionPolicy", "IfHealthyBudget")


def is_child(obj: Object) -> bool:
    """Whether the operator applies the object."""
    return (FIELD_MANAGER, "Apply") in owners_of(obj) and controller_uid(obj) is not None
