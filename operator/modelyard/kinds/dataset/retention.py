"""Deletes versions that are no longer kept: first it is written down which, then they go, and then their bytes, with
the lists of files that no other version is made of.

So whenever the operator ends, the next one finds what is left to do. Bytes are deleted only while no Job runs that
might write the same version again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from modelyard.engine.plan import Delete, Deleted, Facts, Note, Unavailable
from modelyard.engine.resource import DATASET_VERSIONS, Object
from modelyard.kinds.dataset.age import by_age
from modelyard.kinds.dataset.listings import listing_of
from modelyard.kinds.dataset.observe import View
from modelyard.workload.conclude import RETRY, Step
from modelyard.workload.protection import is_being_deleted
from modelyard_api.fields.artifact import is_of
from modelyard_api.kinds.dataset import MAX_EXPIRING, DatasetStatus, Expiring


def retained(view: View, step: Step, facts: Facts, now: datetime) -> Step:
    """Returns the Step of an idle Dataset with what its retention does next. Raises Missing."""
    status = step.status
    assert isinstance(status, DatasetStatus)
    if status.expiring:
        return _going_on(view, step, status, facts, now)
    retention = view.dataset.spec.retention
    if retention is None:
        return step
    gone = expired(view.versions, view.used, status.latest, retention.keep)[:MAX_EXPIRING]
    if not gone:
        return step
    status.expiring = [
        Expiring(name=item["metadata"]["name"], uri=item["spec"]["uri"], listing=listing_of(item)) for item in gone
    ]
    names = ", ".join(item.name for item in status.expiring)
    note = Note("VersionsExpired", f"retention.keep is {retention.keep}, and nothing uses these: {names}")
    return replace(step, after=now, notes=(*step.notes, note))


def expired(versions: Sequence[Object], used: Collection[str], latest: str | None, keep: int) -> list[Object]:
    """Returns the versions that are not kept, the oldest first: those that are neither among the ``keep`` newest
    accepted, nor among the ``keep`` newest rejected ones, nor used, nor the latest. One without a verdict stays."""
    ordered, kept = by_age(versions), {latest, *used}
    for verdict in (True, False):
        kept.update([item["metadata"]["name"] for item in ordered if _accepted(item) is verdict][-keep:])
    return [item for item in ordered if _accepted(item) is not None and item["metadata"]["name"] not in kept]


def _going_on(view: View, step: Step, status: DatasetStatus, facts: Facts, now: datetime) -> Step:
    """Deletes the objects that are still there, or else the bytes of those that are gone."""
    found = [version for item in status.expiring if (version := view.version(item.name)) is not None]
    if found:
        wanted = view.dataset.spec.retention is not None
        spared = {
            version["metadata"]["name"]
            for version in found
            if not is_being_deleted(version)
            and (not wanted or version["metadata"]["name"] in {status.latest, *view.used})
        }
        status.expiring = [item for item in status.expiring if item.name not in spared]
        going = [item for item in found if not is_being_deleted(item) and item["metadata"]["name"] not in spared]
        writes = tuple(Delete.of(DATASET_VERSIONS, item) for item in going)
        return replace(step, writes=(*step.writes, *writes), after=now if spared and not going else step.after)
    namespace = view.dataset.namespace
    in_use = {uri for version in view.versions for uri in (version["spec"]["uri"], listing_of(version))}
    gone = dict.fromkeys(uri for item in status.expiring for uri in (item.uri, item.listing) if uri not in in_use)
    uris = tuple(uri for uri in gone if uri is not None and is_of(namespace, uri))
    if uris and isinstance(facts[Deleted(uris)], Unavailable):
        return replace(step, after=min(step.after, now + RETRY) if step.after else now + RETRY)
    status.expiring = []
    # There may be more than are deleted at a time.
    return replace(step, after=now)


def _accepted(version: Object) -> bool | None:
    return (version.get("status") or {}).get("accepted")


def is_idle(step: Step) -> bool:
    """Whether a Step waits for nothing but the next look."""
    status = step.status
    assert isinstance(status, DatasetStatus)
    return status.job is None and not any(item.type == "Reconciling" for item in step.conditions)
