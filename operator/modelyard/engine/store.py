"""Stores the operator's view of the cluster: the newest seen version of every object of the fed resources.

Watch events, lists and the answers to our own writes arrive here in any order. Only the resourceVersion decides which
one is newer, so the store is never older than our own writes, and a late event can't bring a deleted object back.
Objects are kept as JSON bytes (a third of a dict's memory); a read returns a fresh copy, which may be changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from modelyard.engine import anyjson
from modelyard.engine.ownership import with_others, writers_of_replicas
from modelyard.engine.resource import Key, Object, Resource

Index = Callable[[Object], Iterable[str]]
Projection = Callable[[Object], Object]
Listener = Callable[[Resource, Object | None, Object | None, Key | None], None]
"""Called with (resource, before, after, writer) at every accepted change. ``writer`` is the key whose pass made it."""

Objects = list[Object]

OWNER = "owner"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Name(NamedTuple):
    namespace: str
    name: str


@dataclass(slots=True)
class _Entry:
    version: int
    uid: str
    data: bytes
    values: tuple[tuple[str, str], ...]
    """(Index, value) pairs under which the object is indexed."""


@dataclass(slots=True)
class _Shelf:
    """The objects of one resource."""

    entries: dict[Name, _Entry] = field(default_factory=dict)
    tombs: dict[Name, int] = field(default_factory=dict)
    """Name -> version of its deletion. Pages of a running list may hold older versions, which must not come back."""
    dead: dict[str, str] = field(default_factory=dict)
    """Uid -> namespace of objects the API server said are gone, without a version, until a watch or list agrees."""
    floors: dict[str | None, int] = field(default_factory=dict)
    """Listed namespace (None means all) -> version of the last full list. Objects that it lacked are gone."""
    indexes: dict[str, Index] = field(default_factory=dict)
    names: dict[tuple[str, str], set[Name]] = field(default_factory=dict)
    """(Index, value) -> names of the objects indexed under it."""
    projection: Projection | None = None
    attributed: bool = False
    """Whether it is kept who else set fields of the objects."""

    def floor(self, namespace: str) -> int:
        """Returns the version of the last full list that covers this namespace, 0 if there was none."""
        return max(self.floors.get(namespace, 0), self.floors.get(None, 0))


class Store:
    def __init__(self) -> None:
        self._shelves: dict[Resource, _Shelf] = {}
        self._held_back: dict[tuple[Resource, Name], list[Callable[[], object]]] = {}
        """Object being written by us -> the changes of it that arrived meanwhile, to be taken afterwards."""
        self.listeners: list[Listener] = []

    # --- set-up, before anything is applied ---------------------------------------------------------------------

    def add_index(self, resource: Resource, name: str, function: Index) -> None:
        """Adds the index that ``find(resource, name, value)`` uses. ``function`` returns an object's values."""
        shelf = self._shelf(resource)
        if shelf.entries:
            raise ValueError(f"index {name!r} of {resource} must be added before the first object")
        if name == OWNER or shelf.indexes.get(name, function) is not function:
            raise ValueError(f"index {name!r} of {resource} exists already")
        shelf.indexes[name] = function

    def project(self, resource: Resource, projection: Projection) -> None:
        """Keeps only what ``projection`` returns for each object. It may change its argument."""
        self._shelf(resource).projection = projection

    def attribute(self, resource: Resource) -> None:
        """Keeps in ``metadata.managedFields`` of each object which fields of ours somebody else has set."""
        self._shelf(resource).attributed = True

    # --- changes of the cluster ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self, resource: Resource, namespace: str, name: str) -> Iterator[None]:
        """Holds back watch events and lists of this object while we write it. A watch often reports our write before
        its answer arrives, and that would look like somebody else's change. A nested or concurrent call has no effect.
        """
        target = (resource, Name(namespace, name))
        if target in self._held_back:
            yield
            return
        self._held_back[target] = []
        try:
            yield
        finally:
            for change in self._held_back.pop(target):
                change()

    def apply(self, resource: Resource, obj: Object, writer: Key | None = None) -> bool:
        """Stores an object if it is newer than the known version, and returns whether it was."""
        shelf, meta = self._shelf(resource), obj["metadata"]
        name, version = _name(meta), int(meta["resourceVersion"])
        if writer is None and (held_back := self._held_back.get((resource, name))) is not None:
            held_back.append(lambda: self.apply(resource, obj))
            return False
        entry = shelf.entries.get(name)
        if entry is not None:
            if version <= entry.version:
                return False
        elif version <= max(shelf.tombs.get(name, 0), shelf.floor(name.namespace)):
            return False
        if meta["uid"] in shelf.dead:
            return False
        before = orjson.loads(entry.data) if entry else None
        if entry:
            self._unindex(shelf, name, entry)
        kept, data = _stored(_trim(resource, obj, shelf))
        values = tuple((index, value) for index, value in _values(shelf, kept))
        shelf.entries[name] = _Entry(version, meta["uid"], data, values)
        for pair in values:
            shelf.names.setdefault(pair, set()).add(name)
        self._notify(resource, before, kept, writer)
        return True

    def deleted(self, resource: Resource, obj: Object) -> bool:
        """Removes an object that a watch reported as deleted. Returns False if a newer one of its name is known."""
        shelf, meta = self._shelf(resource), obj["metadata"]
        name, version = _name(meta), int(meta["resourceVersion"])
        if (held_back := self._held_back.get((resource, name))) is not None:
            held_back.append(lambda: self.deleted(resource, obj))
            return False
        shelf.dead.pop(meta["uid"], None)
        shelf.tombs[name] = max(version, shelf.tombs.get(name, 0))
        entry = shelf.entries.get(name)
        if entry is None or entry.uid != meta["uid"]:
            return False
        self._remove(resource, shelf, name, None)
        return True

    def gone(self, resource: Resource, namespace: str, name: str, uid: str, writer: Key | None = None) -> bool:
        """Removes an object that the API server said doesn't exist, without a version. Returns whether we had it."""
        shelf, target = self._shelf(resource), Name(namespace, name)
        entry = shelf.entries.get(target)
        if entry is None or entry.uid != uid:
            return False
        shelf.dead[uid] = namespace
        self._remove(resource, shelf, target, writer)
        return True

    def listed(self, resource: Resource, namespace: str | None, uids: Collection[str], list_version: int) -> int:
        """Ends a full list. ``uids`` are those on its pages, whose objects were applied one by one.

        Removes the objects that the list lacked, and returns their number: no watch had reported their deletion.
        """
        shelf = self._shelf(resource)
        ghosts = [
            name
            for name, entry in shelf.entries.items()
            if entry.version <= list_version and entry.uid not in uids and namespace in (None, name.namespace)
        ]
        for name in ghosts:
            self._remove(resource, shelf, name, None)
        shelf.floors[namespace] = max(list_version, shelf.floors.get(namespace, 0))
        shelf.tombs = {name: rv for name, rv in shelf.tombs.items() if rv > shelf.floor(name.namespace)}
        shelf.dead = {uid: ns for uid, ns in shelf.dead.items() if uid in uids or namespace not in (None, ns)}
        return len(ghosts)

    # --- reads of controllers -----------------------------------------------------------------------------------

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        entry = self._shelf(resource).entries.get(Name(namespace, name))
        return _load(entry) if entry else None

    def has_gone(self, resource: Resource, namespace: str, name: str) -> bool:
        """Whether an object of this name was deleted since the last full list. Its owner may be gone too."""
        return Name(namespace, name) in self._shelf(resource).tombs

    def list(self, resource: Resource, namespace: str | None = None) -> Objects:
        """Returns all objects (of one namespace), sorted by namespace and name."""
        entries = self._shelf(resource).entries
        return [_load(entries[name]) for name in sorted(entries) if namespace in (None, name.namespace)]

    def owned(self, resource: Resource, owner: Object) -> Objects:
        """Returns the objects that name ``owner`` among their ownerReferences, sorted by name.

        Anybody may write any uid there, but an owner is one in the object's own namespace alone.
        """
        meta = owner["metadata"]
        objects = self._indexed(resource, OWNER, meta["uid"])
        return [obj for obj in objects if obj["metadata"].get("namespace") == meta.get("namespace")]

    def find(self, resource: Resource, index: str, value: str) -> Objects:
        """Returns the objects whose index function gives ``value``, sorted by namespace and name. Raises KeyError if
        there is no such index."""
        if index not in self._shelf(resource).indexes:
            raise KeyError(f"{resource} has no index {index!r}")
        return self._indexed(resource, index, value)

    def count(self, resource: Resource) -> int:
        return len(self._shelf(resource).entries)

    # --- internals ----------------------------------------------------------------------------------------------

    def _shelf(self, resource: Resource) -> _Shelf:
        return self._shelves.setdefault(resource, _Shelf())

    def _indexed(self, resource: Resource, index: str, value: str) -> Objects:
        shelf = self._shelf(resource)
        return [_load(shelf.entries[name]) for name in sorted(shelf.names.get((index, value), ()))]

    def _remove(self, resource: Resource, shelf: _Shelf, name: Name, writer: Key | None) -> None:
        entry = shelf.entries.pop(name)
        self._unindex(shelf, name, entry)
        # A page of a list that is running now may still contain it.
        shelf.tombs[name] = max(entry.version, shelf.tombs.get(name, 0))
        self._notify(resource, _load(entry), None, writer)

    @staticmethod
    def _unindex(shelf: _Shelf, name: Name, entry: _Entry) -> None:
        for pair in entry.values:
            names = shelf.names[pair]
            names.discard(name)
            if not names:
                del shelf.names[pair]

    def _notify(self, resource: Resource, before: Object | None, after: Object | None, writer: Key | None) -> None:
        for listener in self.listeners:
            listener(resource, before, after, writer)


def _name(meta: Mapping[str, str]) -> Name:
    return Name(meta.get("namespace", ""), meta["name"])


def _stored(obj: Object) -> tuple[Object, bytes]:
    """Returns the object as it is stored, and its JSON bytes."""
    try:
        return obj, _dump(obj)
    except TypeError:  # orjson raises it for too many levels and for integers over 64 bits
        obj = anyjson.plain(obj)
        return obj, _dump(obj)


def _dump(obj: Object) -> bytes:
    # Copy to the exact size: orjson's own buffer is up to seven times as long as its content.
    return bytes(memoryview(orjson.dumps(obj)))


def _load(entry: _Entry) -> Object:
    loaded: Object = orjson.loads(entry.data)
    return loaded


def _values(shelf: _Shelf, obj: Object) -> Iterator[tuple[str, str]]:
    """Yields the (index, value) pairs of an object."""
    for reference in obj["metadata"].get("ownerReferences", ()):
        yield OWNER, reference["uid"]
    for index, function in shelf.indexes.items():
        for value in function(obj):
            yield index, value


def _trim(resource: Resource, obj: Object, shelf: _Shelf) -> Object:
    """Returns a copy without unused fields. It adds apiVersion and kind, which list items of built-in kinds lack."""
    if shelf.attributed:
        meta = dict(with_others(obj)["metadata"])
    else:
        meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
        if writers := writers_of_replicas(obj["metadata"].get("managedFields") or ()):
            meta["managedFields"] = writers
    if _LAST_APPLIED in meta.get("annotations", ()):
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key != _LAST_APPLIED}
    kept = {**obj, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
    if shelf.projection is None:
        return kept
    return shelf.projection(orjson.loads(orjson.dumps(kept)))
