"""How a kind is wired into the engine: its class says what it owns and whom it refers to, and the rest follows.

A child wakes the object that its label names. An object that is referred to wakes those that refer to it, by an index
of the store that has the name of the kind that is referred to. Whatever else wakes an object, its kind says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import Key, Object, Resource
from modelyard.engine.store import Store
from modelyard.workload.names import label
from modelyard_api.fields.base import Kind
from modelyard_api.fields.facts import Reference
from modelyard_api.installation import Installation
from modelyard_api.kinds.registry import KINDS, resource_type

V = TypeVar("V")
Index = Callable[[Object, Installation], Iterable[str]]
Wake = Callable[[Object, Store], Iterable[Key]]
"""From an object that has changed to the keys that its change concerns."""


@dataclass(frozen=True)
class Wiring(Generic[V]):
    """What a kind's folder adds to the facts of its class."""

    kind: type[Kind]
    observe: Callable[[Store, Key, Installation], V | None]
    decide: Callable[[V, Facts, datetime], Plan]
    waits: Mapping[str, Callable[[Object], bool]] = field(default_factory=dict)
    """By the kind that is referred to: whether an object still waits for it. Without one it always does."""
    wakes: Mapping[Resource, Wake] = field(default_factory=dict)
    """Whom objects of a resource wake, beside or instead of what follows from the facts."""
    indexes: Mapping[Resource, Mapping[str, Index]] = field(default_factory=dict)
    """Indexes of the store beside those of the references."""


class Controller:
    """The engine's controller of one kind, in one installation."""

    def __init__(self, wiring: Wiring[Any], installation: Installation) -> None:
        self._wiring, self._installation = wiring, installation
        self.resource = Resource.of(wiring.kind)
        self._followed = _followed(wiring)
        children = [kind for kind in (*wiring.kind.info.owns, *wiring.kind.info.watches) if not _is_addon(kind)]
        self._wakes: dict[Resource, Wake] = {
            **{Resource.of(kind): labelled(wiring.kind) for kind in children},
            **{Resource.of(kind): referring(wiring.kind, kind) for kind in self._followed},
            **wiring.wakes,
        }
        self.watches = tuple(self._wakes)

    def indexes(self) -> Mapping[Resource, Mapping[str, Callable[[Object], Iterable[str]]]]:
        found: dict[Resource, dict[str, Callable[[Object], Iterable[str]]]] = {self.resource: {}}
        for kind in self._followed:
            found[self.resource][kind] = _index(self._wiring, kind)
        for resource, own in self._wiring.indexes.items():
            found.setdefault(resource, {}).update({name: self._bound(index) for name, index in own.items()})
        return found

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        return self._wakes[resource](obj, store)

    def observe(self, store: Store, key: Key) -> Any | None:
        return self._wiring.observe(store, key, self._installation)

    def decide(self, view: Any, facts: Facts, now: datetime) -> Plan:
        return self._wiring.decide(view, facts, now)

    def _bound(self, index: Index) -> Callable[[Object], Iterable[str]]:
        return lambda obj: index(obj, self._installation)


def labelled(kind: type[Kind]) -> Wake:
    """Wakes the object of ``kind`` that the label of a child names."""
    resource, key = Resource.of(kind), label(kind.info.kind)

    def wake(obj: Object, store: Store) -> Iterable[Key]:
        meta = obj["metadata"]
        name = (meta.get("labels") or {}).get(key)
        return (Key(resource, meta["namespace"], name),) if name else ()

    return wake


def referring(kind: type[Kind], target: str) -> Wake:
    """Wakes the objects of ``kind`` that refer to the ``target`` that has changed."""
    return lambda obj, store: those_that_name(store, kind, target, beside(obj, obj["metadata"]["name"]))


def named(by: type[Kind], kind: type[Kind]) -> Wake:
    """Wakes the objects of ``kind`` that an object of kind ``by`` names."""
    resource = Resource.of(kind)
    return lambda obj, _: {
        Key(resource, obj["metadata"]["namespace"], name) for name in by.info.names(obj, kind.info.kind)
    }


def sharing(kind: type[Kind], other: type[Kind], target: str) -> Wake:
    """Wakes the objects of ``kind`` that refer to the same ``target`` as an object of kind ``other`` does."""
    return lambda obj, store: [
        key for name in other.info.names(obj, target) for key in those_that_name(store, kind, target, beside(obj, name))
    ]


def those_that_name(store: Store, kind: type[Kind], target: str, value: str) -> list[Key]:
    """The keys of the objects of ``kind`` that refer to ``value``, a ``namespace/name``, and still wait for it."""
    resource = Resource.of(kind)
    found = store.find(resource, target, value)
    return [Key(resource, obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in found]


def beside(obj: Object, name: str) -> str:
    """How indexes hold the object of this name beside ``obj``: ``namespace/name``."""
    return f"{obj['metadata']['namespace']}/{name}"


def _followed(wiring: Wiring[Any]) -> tuple[str, ...]:
    """The kinds of ours to which references lead that the facts alone wake by."""
    references: tuple[Reference, ...] = wiring.kind.info.refers
    ours = dict.fromkeys(one.kind for one in references if one.follow and one.kind in KINDS)
    return tuple(kind for kind in ours if Resource.of(kind) not in wiring.wakes)


def _index(wiring: Wiring[Any], target: str) -> Callable[[Object], Iterable[str]]:
    info, waits = wiring.kind.info, wiring.waits.get(target)

    def values(obj: Object) -> Iterable[str]:
        return [beside(obj, name) for name in info.names(obj, target)] if waits is None or waits(obj) else ()

    return values


def _is_addon(kind: str) -> bool:
    """Not every cluster serves it, so that nothing can wait for its list; such children are read when asked for."""
    return resource_type(kind).addon
