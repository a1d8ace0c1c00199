"""What a controller's ``decide`` returns: a plan made of plain values, which ``engine.apply`` carries out.

A pass goes observe -> decide -> (read what decide asked for, decide again) -> writes in order -> one status write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from modelyard.engine.resource import Key, Object, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelyard.engine.store import Store


# --- what a decision may still need to know -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetch:
    """One object that isn't kept in the store (a ConfigMap, a claim). The fact is the object, or None."""

    resource: Resource
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class PodsOf:
    """The pods of a Job, by the Job's uid. The fact is a list of Pod objects, the newest last."""

    namespace: str
    job_name: str
    job_uid: str


@dataclass(frozen=True, slots=True)
class PodsWith:
    """The pods of a namespace with these labels (``key=value,...``). The fact is a list of Pod objects."""

    namespace: str
    selector: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a pod answers to a GET of this http URL. The fact is its bytes, or Unavailable for anything but a 200."""

    url: str


@dataclass(frozen=True, slots=True)
class Result:
    """A JSON document in the artifact store. The fact is what it holds, None where there is none, or Unreadable."""

    uri: str


Need = Fetch | PodsOf | PodsWith | Page | Result


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The fact of a need that could not be read now; ``message`` is for people. Look again later."""

    message: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The fact of a Result that is no document and won't become one: it is written once; ``message`` is for people."""

    message: str


class Missing(Exception):
    """Facts that were asked for and are not read yet: the engine reads them, and then decides again."""

    def __init__(self, *needs: Need) -> None:
        super().__init__(", ".join(map(str, needs)))
        self.needs = needs


class Facts:
    """What was read for this pass. To ask for a fact that was not read yet ends the decision with that need."""

    def __init__(self, known: Mapping[Need, Any] | None = None) -> None:
        self._known = known or {}

    def __getitem__(self, need: Need) -> Any:
        """The fact of one need. Raises Missing."""
        return self.all(need)[0]

    def all(self, *needs: Need) -> list[Any]:
        """The facts of several needs, in their order. Raises Missing with all that are missing, so that they are read
        at the same time."""
        if missing := tuple(need for need in needs if need not in self._known):
            raise Missing(*missing)
        return [self._known[need] for need in needs]


# --- what should be done ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply with the field manager ``modelyard``: for children that are kept in shape for life."""

    resource: Resource
    manifest: Object


@dataclass(frozen=True, slots=True)
class Create:
    """Create once; an object of that name which has the same controller owner (uid) is left as it is.

    One of that name with another owner is a conflict: the pass ends in an error that names both.
    """

    resource: Resource
    manifest: Object


@dataclass(frozen=True, slots=True)
class Patch:
    """A merge-patch of an existing object, only while its uid is the one that was seen."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    body: Object


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete, only while the uid is the one that was seen; dependents go in the background."""

    resource: Resource
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, resource: Resource, obj: Object) -> Delete:
        """Of an object that was seen."""
        meta = obj["metadata"]
        return cls(resource, meta["namespace"], meta["name"], meta["uid"])


Write = Apply | Create | Patch | Delete


@dataclass(frozen=True, slots=True)
class Note:
    """An Event on the object (``type`` Normal or Warning), emitted after the status was written."""

    reason: str
    message: str
    type: str = "Normal"


@dataclass(frozen=True, slots=True)
class Plan:
    """One pass of one object.

    ``status``: the whole wanted status (None: leave it). ``after``: look again at this time (UTC), at the latest.
    """

    status: Object | None = None
    writes: tuple[Write, ...] = ()
    notes: tuple[Note, ...] = ()
    after: datetime | None = None


class Controller(Protocol):
    """One kind. ``View`` is whatever ``observe`` makes of the store; only ``decide`` reads it."""

    resource: Resource
    watches: tuple[Resource, ...]
    """Other resources whose changes concern objects of this kind."""

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        """Indexes it wants the store to keep: resource -> index name -> function of an object to its values."""

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        """The keys of this kind that a change (or the end) of ``obj``, one of ``watches``, concerns."""

    def observe(self, store: Store, key: Key) -> Any | None:
        """The view of one object, from the store alone; None when it is gone or being deleted."""

    def decide(self, view: Any, facts: Facts, now: datetime) -> Plan:
        """A pure function. Raises Missing where it needs facts that were not read yet."""
