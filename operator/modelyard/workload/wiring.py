"""Wires a kind into the engine, mostly from its class, which says what the kind owns and what it refers to.

A change of a child wakes the object that its label names. A change of a referenced object wakes the objects that refer
to it; the store's index for that is named after the referenced kind. A kind's folder adds any other wake-ups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import Key, Object, Resource
from modelyard.engine.store import Store
from modelyard.workload.adoption import adoptions
from modelyard.workload.names import MANAGED_BY, controller_uid, label
from modelyard.workload.protection import is_being_deleted, leaving, protected
from modelyard.workload.run.ending import is_unfinished
from modelyard_api.fields.base import Kind
from modelyard_api.fields.facts import Reference
from modelyard_api.fields.status import is_run
from modelyard_api.installation import Installation
from modelyard_api.kinds.registry import KINDS, resource_type

V = TypeVar("V")
Index = Callable[[Object, Installation], Iterable[str]]
Wake = Callable[[Object, Store], Iterable[Key]]
"""Returns the keys that the change of an object concerns."""


@dataclass(frozen=True)
class Wiring(Generic[V]):
    """What a kind's folder adds to the facts of its class."""

    kind: type[Kind]
    observe: Callable[[Store, Object, Installation], V]
    """Returns the view of an object that exists and is not being deleted."""
    decide: Callable[[V, Facts, datetime], Plan]
    waits: Mapping[str, Callable[[Object], bool]] = field(default_factory=dict)
    """Referenced kind -> whether an object still waits for it. By default a run waits for all until it has ended, and
    other objects always wait."""
    wakes: Mapping[Resource, Wake] = field(default_factory=dict)
    """Resource -> the keys that a change of its objects wakes. It adds to the class's wake-ups or replaces them."""
    users: Callable[[Store, Object], tuple[str, ...]] | None = None
    """Returns what uses an object, which is not deleted before; None if nothing can."""
    indexes: Mapping[Resource, Mapping[str, Index]] = field(default_factory=dict)
    """Resource -> further indexes of the store, besides those of references."""


@dataclass(frozen=True)
class _View(Generic[V]):
    """What a decision is made from: the kind's own view, None for an object that is being deleted, its users, and the
    children that it takes over first, because they have no owner."""

    raw: Object
    own: V | None
    users: tuple[str, ...]
    orphans: Mapping[Resource, tuple[Object, ...]]


class Controller:
    """The engine's controller of one kind, in one installation."""

    def __init__(self, wiring: Wiring[Any], installation: Installation) -> None:
        self._wiring, self._installation = wiring, installation
        self.resource = Resource.of(wiring.kind)
        self._followed = _followed(wiring)
        children = [kind for kind in (*wiring.kind.info.owns, *wiring.kind.info.watches) if not _is_addon(kind)]
        self._wakes: dict[Resource, Wake] = {
            **{Resource.of(kind): labelled(wiring.kind) for kind in children},
            **{Resource.of(kind): _referred(wiring.kind, kind) for kind in self._followed},
            **wiring.wakes,
        }
        self.watches = tuple(self._wakes)
        # Versions, which are of our own kinds, adopt themselves: some have no label of their owner.
        owns = [kind for kind in wiring.kind.info.owns if not _is_addon(kind) and kind not in KINDS]
        self._children, self._orphan_index = tuple(map(Resource.of, owns)), f"orphan of {self.resource.kind}"

    def indexes(self) -> Mapping[Resource, Mapping[str, Callable[[Object], Iterable[str]]]]:
        indexes: dict[Resource, dict[str, Callable[[Object], Iterable[str]]]] = {self.resource: {}}
        for kind in self._followed:
            indexes[self.resource][kind] = _index(self._wiring, kind)
        for resource, own in self._wiring.indexes.items():
            indexes.setdefault(resource, {}).update({name: self._bound(index) for name, index in own.items()})
        for resource in self._children:
            indexes.setdefault(resource, {})[self._orphan_index] = self._parent_of_orphan
        return indexes

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        return self._wakes[resource](obj, store)

    def observe(self, store: Store, key: Key) -> Any | None:
        """Returns the view of an object, or None if it is gone, or being deleted and of a kind that nothing uses."""
        raw = store.get(key.resource, key.namespace, key.name)
        if raw is None or (self._wiring.users is None and is_being_deleted(raw)):
            return None
        users = self._wiring.users(store, raw) if self._wiring.users else ()
        own = None if is_being_deleted(raw) else self._wiring.observe(store, raw, self._installation)
        return _View(raw, own, users, self._orphans(store, raw) if own is not None else {})

    def decide(self, view: Any, facts: Facts, now: datetime) -> Plan:
        if view.own is None:
            return leaving(self.resource, view.raw, view.users, now)
        if view.orphans:
            # Decide once they are owned, and so in the view: a Service may say what has served, a Job what was trained.
            return Plan(writes=adoptions(view.orphans, view.raw), after=now)
        plan = self._wiring.decide(view.own, facts, now)
        return protected(plan, self.resource, view.raw, view.users)

    def _orphans(self, store: Store, raw: Object) -> dict[Resource, tuple[Object, ...]]:
        place = beside(raw, raw["metadata"]["name"])
        found = {resource: tuple(store.find(resource, self._orphan_index, place)) for resource in self._children}
        return {resource: objects for resource, objects in found.items() if objects}

    def _parent_of_orphan(self, obj: Object) -> Iterable[str]:
        """Returns the object that takes a child over that has no owner, by the child's labels."""
        labels = obj["metadata"].get("labels") or {}
        name = labels.get(label(self.resource.kind))
        if not name or not MANAGED_BY.items() <= labels.items():
            return ()
        return () if controller_uid(obj) or is_being_deleted(obj) else (beside(obj, name),)

    def _bound(self, index: Index) -> Callable[[Object], Iterable[str]]:
        return lambda obj: index(obj, self._installation)


def labelled(kind: type[Kind]) -> Wake:
    """Returns a Wake for the object of ``kind`` that the label of a child names, or its controller owner.

    Somebody may have removed the label. EndpointSlices belong to a Service, and have its labels.
    """
    resource, key = Resource.of(kind), label(kind.info.kind)

    def wake(obj: Object, store: Store) -> Iterable[Key]:
        meta = obj["metadata"]
        owners = (item for item in meta.get("ownerReferences") or () if item.get("controller"))
        names = {item["name"] for item in owners if item["kind"] == kind.info.kind}
        names |= {(meta.get("labels") or {}).get(key)} - {None, ""}
        return tuple(Key(resource, meta["namespace"], name) for name in sorted(names))

    return wake


def referring(kind: type[Kind], target: str) -> Wake:
    """Returns a Wake for the objects of ``kind`` that refer to the changed object, of kind ``target``."""
    return lambda obj, store: referring_keys(store, kind, target, beside(obj, obj["metadata"]["name"]))


def waking(*wakes: Wake) -> Wake:
    """Returns a Wake for all keys that any of these returns."""
    return lambda obj, store: {key for wake in wakes for key in wake(obj, store)}


def named(by: type[Kind], kind: type[Kind]) -> Wake:
    """Returns a Wake for the objects of ``kind`` that the changed object, of kind ``by``, names."""
    resource = Resource.of(kind)
    return lambda obj, _: {
        Key(resource, obj["metadata"]["namespace"], name) for name in by.info.names(obj, kind.info.kind)
    }


def sharing(kind: type[Kind], other: type[Kind], target: str) -> Wake:
    """Returns a Wake for the objects of ``kind`` that refer to the same ``target`` as the changed ``other`` object."""
    return lambda obj, store: [
        key for name in other.info.names(obj, target) for key in referring_keys(store, kind, target, beside(obj, name))
    ]


def referring_keys(store: Store, kind: type[Kind], target: str, value: str) -> list[Key]:
    """Returns the keys of the objects of ``kind`` that refer to ``value``, a ``namespace/name``, and wait for it."""
    resource = Resource.of(kind)
    objects = store.find(resource, target, value)
    return [Key(resource, obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in objects]


def beside(obj: Object, name: str) -> str:
    """Returns ``namespace/name``, as in indexes, of the object of this name in the namespace of ``obj``."""
    return f"{obj['metadata']['namespace']}/{name}"


def _followed(wiring: Wiring[Any]) -> tuple[str, ...]:
    """Returns our kinds whose changes wake the objects that refer to them, unless the wiring has a Wake for them."""
    return tuple(kind for kind in _watched(wiring.kind) if Resource.of(kind) not in wiring.wakes)


def _watched(kind: type[Kind]) -> dict[str, None]:
    """Returns our kinds, in order, whose changes matter to the objects of ``kind`` that refer to them."""
    references: tuple[Reference, ...] = kind.info.refers
    return dict.fromkeys(item.kind for item in references if item.follow and item.kind in KINDS)


def _referred(kind: type[Kind], target: str) -> Wake:
    """Returns the Wake of the objects of ``kind`` by those of ``target``, which they may name.

    An object that names only the parent, such as a Dataset, may use any of its versions, so each of them wakes it.
    """
    other = KINDS[target]
    siblings = _watched(kind).keys() - {target}
    parents = [item.kind for item in other.info.refers if item.kind in siblings]
    return sharing(kind, other, parents[0]) if parents else referring(kind, target)


def _index(wiring: Wiring[Any], target: str) -> Callable[[Object], Iterable[str]]:
    info, waits = wiring.kind.info, wiring.waits.get(target, is_unfinished if is_run(wiring.kind) else None)

    def values(obj: Object) -> Iterable[str]:
        return [beside(obj, name) for name in info.names(obj, target)] if waits is None or waits(obj) else ()

    return values


def _is_addon(kind: str) -> bool:
    """Whether the kind comes from an addon. Not every cluster serves it, so its objects are read instead of watched."""
    return resource_type(kind).addon
