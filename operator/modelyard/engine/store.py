"""What the operator knows of the cluster: the newest seen version of every object that is fed.

Watch events, lists and the answers to our own writes all end here, in any order. Only the resourceVersion decides
which one is newer, so the store is never older than our own writes and a late event can't bring an object back.
Objects are kept as JSON bytes (a third of a dict's memory); what is read is a fresh copy, free to change.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from modelyard.engine import anyjson
from modelyard.engine.resource import Key, Object, Resource

Index = Callable[[Object], Iterable[str]]
Projection = Callable[[Object], Object]
Listener = Callable[[Resource, Object | None, Object | None, Key | None], None]
"""Called with (resource, before, after, writer) at every accepted change; ``writer`` is the key whose pass wrote it."""

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
    """What it is indexed under: (index, value) pairs."""


@dataclass(slots=True)
class _Shelf:
    """The objects of one resource."""

    entries: dict[Name, _Entry] = field(default_factory=dict)
    tombs: dict[Name, int] = field(default_factory=dict)
    """Names whose deletion was seen at this version: nothing older may come back from a page of a running list."""
    dead: dict[str, str] = field(default_factory=dict)
    """Uid -> namespace of what we deleted ourselves (the answer has no version), until the watch or a list agrees."""
    floors: dict[str | None, int] = field(default_factory=dict)
    """Per listed namespace (None: all), the version of the last whole list: what it lacked is gone."""
    indexes: dict[str, Index] = field(default_factory=dict)
    found: dict[tuple[str, str], set[Name]] = field(default_factory=dict)
    projection: Projection | None = None

    def floor(self, namespace: str) -> int:
        return max(self.floors.get(namespace, 0), self.floors.get(None, 0))


class Store:
    def __init__(self) -> None:
        self._shelves: dict[Resource, _Shelf] = {}
        self._written: dict[tuple[Resource, Name], list[Callable[[], object]]] = {}
        """What is being written by us -> what was told of it meanwhile."""
        self.listeners: list[Listener] = []

    # --- set-up, before anything is applied ---------------------------------------------------------------------

    def add_index(self, resource: Resource, name: str, function: Index) -> None:
        """Keep ``find(resource, name, value)`` answerable; ``function`` gives an object's values."""
        shelf = self._shelf(resource)
        if shelf.entries:
            raise ValueError(f"index {name!r} of {resource} must be added before the first object")
        if name == OWNER or shelf.indexes.get(name, function) is not function:
            raise ValueError(f"index {name!r} of {resource} exists already")
        shelf.indexes[name] = function

    def project(self, resource: Resource, projection: Projection) -> None:
        """Keep only what ``projection`` leaves of each object (it may change its argument)."""
        self._shelf(resource).projection = projection

    # --- what the cluster says ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self, resource: Resource, namespace: str, name: str) -> Iterator[None]:
        """While we write this object, what others tell of it waits: a watch often tells of our write before its answer
        does, and would be taken for somebody else's. Only one may write an object at a time; a second isn't waited for.
        """
        at = (resource, Name(namespace, name))
        if at in self._written:
            yield
            return
        self._written[at] = []
        try:
            yield
        finally:
            for late in self._written.pop(at):
                late()

    def apply(self, resource: Resource, obj: Object, writer: Key | None = None) -> bool:
        """Take an object if it is newer than what is known; says whether it was."""
        shelf, meta = self._shelf(resource), obj["metadata"]
        name, version = _name(meta), int(meta["resourceVersion"])
        if writer is None and (late := self._written.get((resource, name))) is not None:
            late.append(lambda: self.apply(resource, obj))
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
        kept, data = _kept(_trim(resource, obj, shelf.projection))
        values = tuple((index, value) for index, value in _values(shelf, kept))
        shelf.entries[name] = _Entry(version, meta["uid"], data, values)
        for pair in values:
            shelf.found.setdefault(pair, set()).add(name)
        self._tell(resource, before, kept, writer)
        return True

    def deleted(self, resource: Resource, obj: Object) -> bool:
        """A watch said that this object is gone; false when a later one of the same name is known already."""
        shelf, meta = self._shelf(resource), obj["metadata"]
        name, version = _name(meta), int(meta["resourceVersion"])
        if (late := self._written.get((resource, name))) is not None:
            late.append(lambda: self.deleted(resource, obj))
            return False
        shelf.dead.pop(meta["uid"], None)
        shelf.tombs[name] = max(version, shelf.tombs.get(name, 0))
        entry = shelf.entries.get(name)
        if entry is None or entry.uid != meta["uid"]:
            return False
        self._remove(resource, shelf, name, None)
        return True

    def gone(self, resource: Resource, namespace: str, name: str, uid: str, writer: Key | None = None) -> bool:
        """The API server said that the object of this uid doesn't exist (any more), but not since which version."""
        shelf, at = self._shelf(resource), Name(namespace, name)
        entry = shelf.entries.get(at)
        if entry is None or entry.uid != uid:
            return False
        shelf.dead[uid] = namespace
        self._remove(resource, shelf, at, writer)
        return True

    def listed(self, resource: Resource, namespace: str | None, seen: Collection[str], list_version: int) -> int:
        """A whole list ended: ``seen`` are the uids on its pages, which were applied one by one.

        Removes what it lacked and returns how many that were: objects whose deletion no watch had reported.
        """
        shelf = self._shelf(resource)
        ghosts = [
            name
            for name, entry in shelf.entries.items()
            if entry.version <= list_version and entry.uid not in seen and namespace in (None, name.namespace)
        ]
        for name in ghosts:
            self._remove(resource, shelf, name, None)
        shelf.floors[namespace] = max(list_version, shelf.floors.get(namespace, 0))
        shelf.tombs = {name: rv for name, rv in shelf.tombs.items() if rv > shelf.floor(name.namespace)}
        shelf.dead = {uid: ns for uid, ns in shelf.dead.items() if uid in seen or namespace not in (None, ns)}
        return len(ghosts)

    # --- what controllers read ----------------------------------------------------------------------------------

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        entry = self._shelf(resource).entries.get(Name(namespace, name))
        return _load(entry) if entry else None

    def has_gone(self, resource: Resource, namespace: str, name: str) -> bool:
        """Whether an object of this name was deleted since the last whole list: its owner may be gone with it."""
        return Name(namespace, name) in self._shelf(resource).tombs

    def list(self, resource: Resource, namespace: str | None = None) -> Objects:
        """All objects (of one namespace), by namespace and name."""
        entries = self._shelf(resource).entries
        return [_load(entries[name]) for name in sorted(entries) if namespace in (None, name.namespace)]

    def owned(self, resource: Resource, owner_uid: str) -> Objects:
        """The objects with this uid among their ownerReferences, by namespace and name."""
        return self._found(resource, OWNER, owner_uid)

    def find(self, resource: Resource, index: str, value: str) -> Objects:
        """The objects whose index function gives ``value``, by namespace and name; KeyError without that index."""
        if index not in self._shelf(resource).indexes:
            raise KeyError(f"{resource} has no index {index!r}")
        return self._found(resource, index, value)

    def count(self, resource: Resource) -> int:
        return len(self._shelf(resource).entries)

    # --- inside -------------------------------------------------------------------------------------------------

    def _shelf(self, resource: Resource) -> _Shelf:
        return self._shelves.setdefault(resource, _Shelf())

    def _found(self, resource: Resource, index: str, value: str) -> Objects:
        shelf = self._shelf(resource)
        return [_load(shelf.entries[name]) for name in sorted(shelf.found.get((index, value), ()))]

    def _remove(self, resource: Resource, shelf: _Shelf, name: Name, writer: Key | None) -> None:
        entry = shelf.entries.pop(name)
        self._unindex(shelf, name, entry)
        # A page of a list that is running now may still hold it.
        shelf.tombs[name] = max(entry.version, shelf.tombs.get(name, 0))
        self._tell(resource, _load(entry), None, writer)

    @staticmethod
    def _unindex(shelf: _Shelf, name: Name, entry: _Entry) -> None:
        for pair in entry.values:
            names = shelf.found[pair]
            names.discard(name)
            if not names:
                del shelf.found[pair]

    def _tell(self, resource: Resource, before: Object | None, after: Object | None, writer: Key | None) -> None:
        for listener in self.listeners:
            listener(resource, before, after, writer)


def _name(meta: Mapping[str, str]) -> Name:
    return Name(meta.get("namespace", ""), meta["name"])


def _kept(obj: Object) -> tuple[Object, bytes]:
    """What is kept of it, and its bytes."""
    try:
        return obj, _dump(obj)
    except TypeError:  # orjson's, for too many levels and too great numbers
        obj = anyjson.plain(obj)
        return obj, _dump(obj)


def _dump(obj: Object) -> bytes:
    # A copy of the exact size: orjson's own buffer is up to seven times as long as what is in it.
    return bytes(memoryview(orjson.dumps(obj)))


def _load(entry: _Entry) -> Object:
    loaded: Object = orjson.loads(entry.data)
    return loaded


def _values(shelf: _Shelf, obj: Object) -> Iterator[tuple[str, str]]:
    for reference in obj["metadata"].get("ownerReferences", ()):
        yield OWNER, reference["uid"]
    for index, function in shelf.indexes.items():
        for value in function(obj):
            yield index, value


def _trim(resource: Resource, obj: Object, projection: Projection | None) -> Object:
    """A copy without what nobody reads; items of lists of built-in kinds lack apiVersion and kind."""
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    if _LAST_APPLIED in meta.get("annotations", ()):
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key != _LAST_APPLIED}
    kept = {**obj, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
    if projection is None:
        return kept
    return projection(orjson.loads(orjson.dumps(kept)))
