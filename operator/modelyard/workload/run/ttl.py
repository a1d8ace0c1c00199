"""When the Job of a finished run goes: its own TTL would take the pods, and their logs, before the result is read."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Delete
from modelyard.engine.resource import JOBS, Object


def expired(
    job: Object | None, ended: str | None, seconds: int | None, now: datetime
) -> tuple[tuple[Delete, ...], datetime | None]:
    """The writes that are due, and when to look again. ``ended``: when the run ended; ``seconds``: its time to live,
    None: for ever."""
    if job is None or ended is None or seconds is None:
        return (), None
    due = parse_time(ended) + timedelta(seconds=seconds)
    return ((), due) if now < due else ((Delete.of(JOBS, job),), None)
