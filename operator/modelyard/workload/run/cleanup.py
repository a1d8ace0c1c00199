"""Deletes the Jobs of a kind that has one after the other, and what they have left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from modelyard.engine.plan import Delete, Deleted, Facts, Patch
from modelyard.engine.resource import JOBS, Object
from modelyard.workload.run import jobs
from modelyard.workload.run.jobs import JobPhase
from modelyard_api.fields.pods import RunPolicy


def is_over(job: Object) -> bool:
    return jobs.phase(job) in (JobPhase.COMPLETE, JobPhase.FAILED)


def stale(every: Iterable[Object], keep: str) -> tuple[Delete, ...]:
    """Returns the deletes of the unfinished Jobs but that of this name: they work for an older spec or source."""
    return tuple(Delete.of(JOBS, job) for job in every if job["metadata"]["name"] != keep and not is_over(job))


def suspended(every: Collection[Object], keep: str | None, policy: RunPolicy) -> tuple[Patch | Delete, ...]:
    """Returns the writes that suspend the Job of this name, and delete the other unfinished ones.

    A leader that has lost its lease may create one late: nobody follows it, so it would be left suspended.
    """
    running = [job for job in every if job["metadata"]["name"] == keep and jobs.phase(job) is JobPhase.ACTIVE]
    return (*(patch for job in running for patch in jobs.adjust(job, policy)), *stale(every, keep or ""))


def forget(facts: Facts, every: Iterable[Object], result_uri: Callable[[str], str]) -> None:
    """Has the results deleted of these Jobs that are over, each of which has been followed to its end. Raises Missing.

    A kind that looks each minute would leave half a million a year. One that can't be deleted takes only space, which
    the operator's log tells. ``result_uri`` returns where the Job of a name writes its result, in a folder of its own.
    """
    names = [job["metadata"]["name"] for job in every if is_over(job)]
    if names:
        facts[Deleted(tuple(result_uri(name).rpartition("/")[0] for name in names))]


def old(every: Collection[Object], keep: str = "") -> tuple[Delete, ...]:
    """Returns the deletes of all Jobs but that of this name and the newest finished of the others, whose log may still
    be read."""
    others = [job for job in every if job["metadata"]["name"] != keep]
    finished = sorted(filter(is_over, others), key=lambda job: str(job["metadata"].get("creationTimestamp")))
    unfinished = [job for job in others if not is_over(job)]
    return tuple(Delete.of(JOBS, job) for job in (*finished[:-1], *unfinished))
