"""Deletes the Job of a finished run. The Job's own TTL could delete pods and logs before the result is read."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Delete, Plan
from modelyard.engine.resource import JOBS, Object
from modelyard_api.fields.pods import RunPolicy
from modelyard_api.fields.status import RunStatus


def finished(raw: Object, status: RunStatus, job: Object | None, policy: RunPolicy, now: datetime) -> Plan:
    """Returns the plan of a finished run: its Job is deleted after its time to live, and its status stays as it is.

    ``raw`` is the run. Its conditions hold for its newest generation too, since an edit has no effect any more.
    """
    writes, after = expired(job, status.completion_time, policy.ttl_seconds_after_finished, now)
    return Plan(status=kept(raw), writes=writes, after=after)


def kept(raw: Object) -> Object:
    """Returns the status of a run that has ended, observed for its newest generation."""
    generation = raw["metadata"].get("generation", 0)
    conditions = [{**item, "observedGeneration": generation} for item in raw["status"]["conditions"]]
    return {**raw["status"], "observedGeneration": generation, "conditions": conditions}


def expired(
    job: Object | None, ended: str | None, seconds: int | None, now: datetime
) -> tuple[tuple[Delete, ...], datetime | None]:
    """Returns the deletion of the Job if it is due, else the time when it will be.

    ``ended`` is when the run ended, and ``seconds`` its time to live. None means that it is kept for ever.
    """
    if job is None or ended is None or seconds is None:
        return (), None
    due = parse_time(ended) + timedelta(seconds=seconds)
    return ((), due) if now < due else ((Delete.of(JOBS, job),), None)
