"""Defines the plan that a controller's ``decide`` returns: plain values, which ``engine.apply`` carries out.

A pass goes observe -> decide -> (read the facts decide asked for, decide again) -> writes in order -> status write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from modelyard.engine.resource import Key, Object, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelyard.engine.store import Store


# --- facts that a decision may ask for -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetch:
    """Asks for one object that isn't in the store (a ConfigMap, a claim). The fact is the object, or None."""

    resource: Resource
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class PodsOf:
    """Asks for the pods of a Job, by the Job's uid. The fact is a list of Pod objects, the newest last."""

    namespace: str
    job_name: str
    job_uid: str


@dataclass(frozen=True, slots=True)
class PodsWith:
    """Asks for the pods of a namespace with these labels (``key=value,...``). The fact is a list of Pod objects."""

    namespace: str
    selector: str


@dataclass(frozen=True, slots=True)
class EventsOf:
    """Asks for the Events with this reason on an object, by its uid. The fact is a list of Events, the newest last."""

    namespace: str
    uid: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """Asks for a pod's answer to a GET of this http URL. The fact is its body, or Unavailable if it isn't a 200."""

    url: str


@dataclass(frozen=True, slots=True)
class Result:
    """Asks for a JSON document in the artifact store. The fact is its value, None if it is absent, or Unreadable.

    ``lasts`` says that the document is never written again, so that it may be kept.
    """

    uri: str
    lasts: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """Asks for the names in a folder of the artifact store. The fact is a tuple, empty without such a folder."""

    uri: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """Asks that an entry of this URI be in the artifact store. This need writes. The fact is True.

    Its name is all that counts, so it may be written by anyone any number of times, and a crash before or after it
    changes nothing. A decision asks for it before what is to outlive the object's deletion becomes visible.
    """

    uri: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """Asks that nothing be at these addresses of the artifact store, folders or files, which nobody reads any more.
    This need writes. The fact is True, or Unavailable. It may be asked any number of times."""

    uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivered:
    """Asks that an object be as this manifest says, which is JSON. This need writes too. The fact is None if the object
    is so, Denied or Unavailable.

    The object belongs to nobody that Kubernetes knows, so it may be in any namespace. ``owner`` are labels of the
    manifest, of which an existing object must have all: any other object of its name is left alone. It may be asked
    any number of times, and a crash before or after changes nothing: a server-side apply makes the same of it.
    """

    resource: Resource
    namespace: str
    name: str
    manifest: str
    owner: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """Asks that no run with this uid be open in an experiment of the tracking server: one that is open is ended with
    ``status``. The fact is True. It may be asked any number of times."""

    experiment: str
    uid: str
    status: str


Need = Fetch | PodsOf | PodsWith | EventsOf | Page | Result | Listing | Recorded | Deleted | Closed | Delivered


@dataclass(frozen=True, slots=True)
class Denied:
    """The fact of a Delivered that an early retry would not mend. ``message`` is for people."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The fact of a need that could not be read now, but may be later. ``message`` is for people."""

    message: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The fact of a Result that is no JSON and, written only once, stays so. ``message`` is for people."""

    message: str


class Missing(Exception):
    """``decide`` asked for facts that are not read yet. The engine reads them and calls it again."""

    def __init__(self, *needs: Need) -> None:
        super().__init__(", ".join(map(str, needs)))
        self.needs = needs


class Facts:
    """The facts that were read for this pass. Access to any other fact raises Missing, which ends the decision."""

    def __init__(self, known: Mapping[Need, Any] | None = None) -> None:
        self._known = known or {}

    def __getitem__(self, need: Need) -> Any:
        """Returns the fact of one need. Raises Missing."""
        return self.all(need)[0]

    def all(self, *needs: Need) -> list[Any]:
        """Returns the facts of several needs, in their order. Raises Missing with all missing ones, so that they are
        read concurrently."""
        if missing := tuple(need for need in needs if need not in self._known):
            raise Missing(*missing)
        return [self._known[need] for need in needs]


# --- writes --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply with the field manager ``modelyard``, for children that are kept as desired for life."""

    resource: Resource
    manifest: Object


@dataclass(frozen=True, slots=True)
class Create:
    """Creates an object unless one of its name exists.

    An existing object with the same controller owner (uid) is left as it is. With another owner it is a conflict: the
    pass ends in an error that names both. ``alone`` says that nothing after it relies on it: if the API server refuses
    it, the writes after it are done all the same.
    """

    resource: Resource
    manifest: Object
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Patch:
    """A merge-patch of an existing object, only if it still has this uid."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    body: Object


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletion of an object, only if it still has this uid. Its dependents are deleted in the background."""

    resource: Resource
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, resource: Resource, obj: Object) -> Delete:
        """Returns the deletion of this object."""
        meta = obj["metadata"]
        return cls(resource, meta["namespace"], meta["name"], meta["uid"])


Write = Apply | Create | Patch | Delete


@dataclass(frozen=True, slots=True)
class Note:
    """An Event on the object, emitted after the status was written. ``type`` is Normal or Warning."""

    reason: str
    message: str
    type: str = "Normal"


@dataclass(frozen=True, slots=True)
class Plan:
    """The result of one decision about one object.

    ``status`` is the whole desired status; None leaves it unchanged. The next pass runs at ``after`` (UTC)
    at the latest.
    """

    status: Object | None = None
    writes: tuple[Write, ...] = ()
    notes: tuple[Note, ...] = ()
    after: datetime | None = None


class Controller(Protocol):
    """Reconciles one kind. The view that ``observe`` returns may have any type: only ``decide`` reads it."""

    resource: Resource
    watches: tuple[Resource, ...]
    """Other resources whose changes concern objects of this kind."""

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        """Returns the indexes that the store keeps: resource -> index name -> function of an object to its values."""

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        """Returns the keys of this kind that a change or deletion of ``obj``, of one of ``watches``, concerns."""

    def observe(self, store: Store, key: Key) -> Any | None:
        """Returns the view of one object, from the store alone; None if it is gone, or ends without a decision."""

    def decide(self, view: Any, facts: Facts, now: datetime) -> Plan:
        """Returns the plan, as a pure function. Raises Missing if it needs facts that were not read yet."""
