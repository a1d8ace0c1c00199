"""When the Job of a finished run goes: its own TTL would take the pods, and their logs, before the result is read."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Delete, Plan
from modelyard.engine.resource import JOBS, Object
from modelyard_api.fields.pods import RunPolicy
from modelyard_api.fields.status import RunStatus


def finished(raw: Object, status: RunStatus, job: Object | None, policy: RunPolicy, now: datetime) -> Plan:
    """A run that is over: nothing runs any more; its Job goes after its time to live, the run stays as it is.

    ``raw`` is the run: what it says holds for its newest generation too, since nothing follows from an edit.
    """
    generation = raw["metadata"].get("generation", 0)
    kept = [{**item, "observedGeneration": generation} for item in raw["status"]["conditions"]]
    writes, after = expired(job, status.completion_time, policy.ttl_seconds_after_finished, now)
    return Plan(
        status={**raw["status"], "observedGeneration": generation, "conditions": kept}, writes=writes, after=after
    )


def expired(
    job: Object | None, ended: str | None, seconds: int | None, now: datetime
) -> tuple[tuple[Delete, ...], datetime | None]:
    """The writes that are due, and when to look again. ``ended``: when the run ended; ``seconds``: its time to live,
    None: for ever."""
    if job is None or ended is None or seconds is None:
        return (), None
    due = parse_time(ended) + timedelta(seconds=seconds)
    return ((), due) if now < due else ((Delete.of(JOBS, job),), None)
