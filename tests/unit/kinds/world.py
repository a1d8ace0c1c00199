"""A small cluster in memory that drives the controllers' own observe and decide with the real store and plain dicts.

It keeps the promises of the engine and of the API server that a decision relies on: names are unique, uids are new,
generations count changes of a spec, a status has its defaults, creating an object that its owner already has changes
nothing, and the status is written last.
A pass can be made to die at any write. Tests do the work of the kubelet (``complete``, ``fail``, ``roll_out``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson

from modelyard.engine.adopt import controller_of, is_orphan_of, owners_after
from modelyard.engine.client import ApiError
from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import (
    Apply,
    Closed,
    Create,
    Delete,
    Deleted,
    Delivered,
    Denied,
    EventsOf,
    Facts,
    Fetch,
    Listing,
    Missing,
    Need,
    Page,
    Patch,
    Plan,
    PodsOf,
    PodsWith,
    Recorded,
    Result,
    Unavailable,
)
from modelyard.engine.plan import Controller as Kind
from modelyard.engine.refusal import Refusal, refusal_of
from modelyard.engine.resource import JOBS, Key, Object, Resource
from modelyard.engine.status import difference, refused, without_nulls
from modelyard.engine.store import Store
from modelyard.engine.tenancy import outside
from modelyard.kinds import all_controllers
from modelyard.workload.names import controller_uid
from modelyard_api.generate.crd import definition
from modelyard_api.installation import Installation
from modelyard_api.kinds.registry import KINDS
from tests.unit.kinds import rules

NAMESPACE = "team"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
Slot = tuple[Resource, str, str]


class Died(Exception):
    """The process ended at this write."""


class NameTaken(Exception):
    """A child's name belongs to something else."""


class World:
    """``objects`` are the cluster's objects; the controllers see them through a store that is always up to date."""

    def __init__(self, installation: Installation | None = None) -> None:
        self.installation = installation or Installation()
        self.now = START
        self.objects: dict[Slot, Object] = {}
        self.results: dict[str, Any] = {}
        """The artifact store's documents, by URI."""
        self.pods: dict[str, list[Object]] = {}
        """Pods, by the uid of their Job."""
        self.serving: dict[str, list[Object]] = {}
        """Serving pods, by the label selector that finds them."""
        self.events: dict[str, list[Object]] = {}
        """Events of others, by the uid of the object that they are about."""
        self.pages: dict[str, bytes] = {}
        """The answers of pods, by URL."""
        self.closed: dict[str, Closed] = {}
        self.deleted: list[str] = []
        """What was asked to be closed in the tracking server, by uid."""
        self.down: set[type] = set()
        """The types of needs that are Unavailable now."""
        self.created: Counter[Slot] = Counter()
        self.notes: list[tuple[str, str, str]] = []
        """The (object, reason, message) of every Event."""
        self.read: Counter[Need] = Counter()
        self.invalid: dict[str, str] = {}
        """Kind -> why the API server calls every new object of it invalid."""
        self.refuses = False
        """Whether a name that is taken ends the pass, as in the engine, instead of the test."""
        self.writes = 0
        """The number of writes so far, including status writes."""
        self.die_at: tuple[int, str] | None = None
        """The number of the write at which the process dies, and whether ``before`` or ``after`` making it."""
        self._version = 0
        self.restart()

    def restart(self) -> None:
        """Replaces the controllers and the store by new ones, which know only what is in the cluster."""
        self.controllers: dict[Resource, Kind] = {c.resource: c for c in all_controllers(self.installation)}
        self.store = Store()
        self._set_up_store()
        for (resource, _, _), obj in self.objects.items():
            self.store.apply(resource, obj)

    def _set_up_store(self) -> None:
        for controller in self.controllers.values():
            for resource, indexes in controller.indexes().items():
                for name, function in indexes.items():
                    self.store.add_index(resource, name, function)
        self.store.project(JOBS, _without_containers)

    # --- what people and the cluster do --------------------------------------------------------------------------

    def put(self, resource: Resource, obj: Object) -> Object:
        """Creates an object, or changes its spec, labels and annotations."""
        obj = _copy(obj)
        meta = obj["metadata"]
        slot = (resource, meta.setdefault("namespace", NAMESPACE), meta["name"])
        current = self.objects.get(slot)
        if current is None:
            self.created[slot] += 1
            self._version += 1
            meta |= {"uid": f"uid-{self._version}", "generation": 1, "creationTimestamp": timestamp(self.now)}
        else:
            obj = {**current, **obj, "metadata": {**current["metadata"], **meta}}
            obj["metadata"]["generation"] += current.get("spec") != obj.get("spec")
        return self._keep(slot, obj)

    def status(self, resource: Resource, name: str, status: Object | None, namespace: str = NAMESPACE) -> Object:
        """Sets the whole status of an object; None means that the status was lost."""
        slot = (resource, namespace, name)
        obj = {key: value for key, value in self.objects[slot].items() if key != "status"}
        return self._keep(slot, obj | ({"status": status} if status is not None else {}))

    def delete(
        self, resource: Resource, name: str, cascade: bool = True, namespace: str = NAMESPACE, force: bool = False
    ) -> None:
        """Deletes an object, and what it owns; that loses its owner if not ``cascade``. An object with finalizers stays
        until it has none, unless ``force`` takes them away."""
        slot = (resource, namespace, name)
        meta = self.objects[slot]["metadata"]
        if meta.get("finalizers") and not force:
            if not meta.get("deletionTimestamp"):
                ends = {"deletionTimestamp": timestamp(self.now), "generation": meta["generation"] + 1}
                self._keep(slot, {**self.objects[slot], "metadata": {**meta, **ends}})
            return
        self._remove(slot, cascade)

    def _remove(self, slot: Slot, cascade: bool = True) -> None:
        uid = self.objects.pop(slot)["metadata"]["uid"]
        self.store.gone(*slot, uid)
        for other, obj in [(other, obj) for other, obj in self.objects.items() if controller_uid(obj) == uid]:
            if other not in self.objects:
                continue
            if cascade:
                self.delete(other[0], other[2], True, other[1])
            else:
                self._keep(other, {**obj, "metadata": {**obj["metadata"], "ownerReferences": []}})

    def _keep(self, slot: Slot, obj: Object) -> Object:
        self._version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._version)}}
        if slot[0] in self.controllers:
            obj.setdefault("status", _unseen(slot[0].kind))
        self.objects[slot] = _copy(obj)
        self.store.apply(slot[0], self.objects[slot])
        return _copy(self.objects[slot])

    # --- what a test looks at -------------------------------------------------------------------------------------

    def get(self, resource: Resource, name: str, namespace: str = NAMESPACE) -> Object:
        return _copy(self.objects[resource, namespace, name])

    def all(self, resource: Resource) -> list[Object]:
        """Returns all objects of a resource in the order in which they were created."""
        return [_copy(obj) for slot, obj in self.objects.items() if slot[0] == resource]

    def one(self, resource: Resource) -> Object:
        """Returns the only object of a resource."""
        objects = self.all(resource)
        assert len(objects) == 1, [obj["metadata"]["name"] for obj in objects]
        return objects[0]

    def status_of(self, resource: Resource, name: str) -> Object:
        return dict(self.get(resource, name).get("status") or {})

    def condition(self, resource: Resource, name: str, type_: str = "Ready") -> tuple[str, str, str]:
        """Returns a condition's status, reason and message, or three empty strings if there is no such condition."""
        for item in self.status_of(resource, name).get("conditions") or ():
            if item["type"] == type_:
                return item["status"], item["reason"], item["message"]
        return "", "", ""

    # --- passes ---------------------------------------------------------------------------------------------------

    def tick(self, seconds: float) -> None:
        """Lets this much time pass, then settles."""
        self.now += timedelta(seconds=seconds)
        self.settle()

    def settle(self, most: int = 40) -> None:
        """Runs passes over all objects until none writes: every controller has reached a fixed point."""
        for _ in range(most):
            before = self.writes
            for key in self._keys():
                self.run(key)
            if self.writes == before:
                return
        raise AssertionError(f"still writing after {most} rounds")

    def _keys(self) -> Iterator[Key]:
        for slot in list(self.objects):
            if slot[0] in self.controllers and slot in self.objects:
                yield Key(*slot)

    def run(self, key: Key) -> Plan | None:
        """Runs one pass of one object, as the engine does, and returns its plan."""
        controller = self.controllers[key.resource]
        view = controller.observe(self.store, key)
        if view is None:
            return None
        plan = self.plan(controller.decide, view, key.namespace)
        obj = self.get(key.resource, key.name, key.namespace)
        rules.check(key.resource.kind, obj, plan)
        try:
            for write in plan.writes:
                self._carry_out(write, key, obj)
        except Refusal as refusal:
            plan = replace(plan, status=refused(obj, plan.status, refusal.reason, refusal.message, self.now))
        except NameTaken as taken:
            if not self.refuses:
                raise
            self.notes.append((f"{key.resource.kind}/{key.name}", "NameTaken", str(taken)))
            return plan
        status = without_nulls(plan.status) if plan.status is not None else None
        if status is not None and difference(obj.get("status") or {}, status) and tuple(key) in self.objects:
            self._write(lambda: self.status(key.resource, key.name, status, key.namespace))
        self.notes += [(f"{key.resource.kind}/{key.name}", note.reason, note.message) for note in plan.notes]
        return plan

    def plan(self, decide: Callable[[Any, Facts, datetime], Plan], view: Any, namespace: str) -> Plan:
        """Calls ``decide`` again with the facts that it asks for, until it returns a plan. As in the engine, what is
        not of its namespace is not read."""
        known: dict[Need, Any] = {}
        for _ in range(8):
            try:
                return decide(view, Facts(known), self.now)
            except Missing as missing:
                known |= {need: outside(need, namespace) or self._fact(need) for need in missing.needs}
        raise AssertionError(f"still asks; it knows {list(known)}")

    def _fact(self, need: Need) -> Any:
        self.read[need] += 1
        if type(need) in self.down:
            return Unavailable(f"{type(need).__name__} can't be read")
        match need:
            case Fetch():
                return _copy(self.objects.get((need.resource, need.namespace, need.name)))
            case PodsOf():
                return _copy(self.pods.get(need.job_uid, []))
            case PodsWith():
                return _copy(self.serving.get(need.selector, []))
            case EventsOf():
                return _copy([event for event in self.events.get(need.uid, []) if event["reason"] == need.reason])
            case Page():
                return self.pages.get(need.url, Unavailable("no answer"))
            case Result():
                return _copy(self.results.get(need.uri))
            case Listing():
                return tuple(sorted({uri[len(need.uri) + 1 :].split("/")[0] for uri in self._below(need.uri)}))
            case Recorded():
                if need.uri not in self.results:
                    self._write(lambda: self.results.update({need.uri: {}}))
                return True
            case Deleted():
                gone = [uri for uri in self.results if uri.startswith(tuple(f"{folder}/" for folder in need.uris))]
                if gone:
                    self._write(lambda: [self.results.pop(uri) for uri in gone])
                self.deleted += need.uris
                return True
            case Closed():
                self.closed[need.uid] = need
                return True
            case Delivered():
                return self._deliver(need)

    def _deliver(self, need: Delivered) -> Denied | None:
        """Does what ``engine.deliver`` does; a manifest whose spec has ``refused`` is refused."""
        current = self.objects.get((need.resource, need.namespace, need.name))
        manifest = orjson.loads(need.manifest)
        if current is not None and not dict(need.owner).items() <= (current["metadata"].get("labels") or {}).items():
            return Denied("NameTaken", f"{need.resource.kind} {need.namespace}/{need.name} exists")
        if "refused" in manifest["spec"]:
            return Denied("ManifestRefused", f"{need.resource.kind} {need.name}: spec.refused is not known")
        if current is None or _lacks(current, manifest):
            self._write(lambda: self.put(need.resource, manifest))
        return None

    def _below(self, folder: str) -> list[str]:
        return [uri for uri in self.results if uri.startswith(f"{folder}/")]

    def _write(self, make: Callable[[], object]) -> None:
        number, when = self.die_at or (-1, "")
        self.writes += 1
        if self.writes == number and when == "before":
            raise Died
        make()
        if self.writes == number:
            raise Died

    def _patched(self, resource: Resource, obj: Object) -> None:
        meta = self.put(resource, obj)["metadata"]
        if meta.get("deletionTimestamp") and not meta.get("finalizers"):
            self._remove((resource, meta["namespace"], meta["name"]))

    def _carry_out(self, write: Apply | Create | Patch | Delete, key: Key, owner: Object) -> None:
        match write:
            case Create() | Apply():
                meta = write.manifest["metadata"]
                slot = (write.resource, meta["namespace"], meta["name"])
                current = self.objects.get(slot)
                if current is not None and controller_uid(current) != controller_uid(write.manifest):
                    if not is_orphan_of(current, owner, self.now):
                        raise NameTaken(f"{write.resource.kind} {meta['name']}")
                    references = owners_after(current, controller_of(write.manifest))
                    patched = _merge(current, {"metadata": {"ownerReferences": references}})
                    self._write(lambda: self._patched(write.resource, patched))
                    current = self.objects[slot]
                rules.check_child(write.resource, write.manifest)
                if current is None and (why := self.invalid.get(write.resource.kind)):
                    refusal = refusal_of(write, ApiError(422, "Invalid", why))
                    assert refusal is not None
                    raise refusal
                if current is None or (isinstance(write, Apply) and _lacks(current, write.manifest)):
                    self._write(lambda: self.put(write.resource, write.manifest))
            case Patch():
                current = self.objects.get((write.resource, write.namespace, write.name))
                if current is not None and current["metadata"]["uid"] == write.uid:
                    patched = _merge(current, write.body)
                    if patched != current:
                        self._write(lambda: self._patched(write.resource, patched))
            case Delete():
                current = self.objects.get((write.resource, write.namespace, write.name))
                if current is not None and current["metadata"]["uid"] == write.uid:
                    self._write(lambda: self.delete(write.resource, write.name, True, write.namespace))


@cache
def _unseen(kind: str) -> Object:
    """Returns the status that the API server fills in for an object without one."""
    root = definition(kind, KINDS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema = root["properties"]["status"]
    fields = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
    return {**fields, **schema["default"]}


def _copy(obj: Any) -> Any:
    return orjson.loads(orjson.dumps(obj))


def _without_containers(job: Object) -> Object:
    """Drops what the engine's store drops of a Job, so that no decision can rely on it."""
    job["spec"]["template"].pop("spec", None)
    return job


def _lacks(current: Any, desired: Any) -> bool:
    if isinstance(desired, dict):
        return not isinstance(current, dict) or any(_lacks(current.get(key), value) for key, value in desired.items())
    return bool(current != desired)


def _merge(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict) or not isinstance(current, dict):
        return patch
    merged = {key: value for key, value in current.items() if not (key in patch and patch[key] is None)}
    return merged | {key: _merge(current.get(key), value) for key, value in patch.items() if value is not None}
