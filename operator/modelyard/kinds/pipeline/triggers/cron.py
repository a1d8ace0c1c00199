"""Times of a schedule: those that have come since the last run. Missed ones are one run, or are skipped and counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from modelyard.engine.conditions import timestamp
from modelyard.kinds.pipeline.triggers.look import Look, seen_until
from modelyard.workload.conclude import Trouble
from modelyard_api.kinds.pipeline import CronTrigger, TriggerStatus
from modelyard_api.kinds.pipelinerun import MAX_COVERED, Cause

MOST = 1000
"""Most missed times that are counted one by one."""
FIELDS = 5


def problem(cron: CronTrigger, field: str) -> Trouble | None:
    """Returns why the schedule or its zone can't be understood, or None."""
    try:
        ZoneInfo(cron.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{field}.timeZone: {cron.time_zone!r} is no time zone; write an IANA name such as Europe/Berlin"
        return Trouble("ScheduleInvalid", message)
    example = "write minute, hour, day of month, month and day of week, for example '0 3 * * 1-5'"
    if len(cron.schedule.split()) != FIELDS:
        return Trouble("ScheduleInvalid", f"{field}.schedule: {cron.schedule!r} has not {FIELDS} fields; {example}")
    try:
        next(CronSim(cron.schedule, datetime(2000, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return Trouble("ScheduleInvalid", f"{field}.schedule: {cron.schedule!r}: {error}; {example}")
    except StopIteration:
        return Trouble("ScheduleInvalid", f"{field}.schedule: {cron.schedule!r} never comes; {example}")
    return None


def look(
    cron: CronTrigger, row: TriggerStatus, pipeline: tuple[str, str], deadline: timedelta | None, now: datetime
) -> Look:
    """Returns the times since the last run. ``pipeline`` is its name and uid; ``deadline`` skips what is older."""
    upcoming = next(_slots(cron, now), None)
    message = f"the next time is {timestamp(upcoming)}" if upcoming else "no time comes any more"
    start = seen_until(row)
    missed = list(islice(takewhile(lambda slot: slot > start, _slots(cron, now, reverse=True)), MOST))
    due = [slot for slot in missed if deadline is None or now - slot <= deadline]
    skipped = tuple(timestamp(slot) for slot in missed[len(due) :])
    if not due:
        return Look(message, after=upcoming, next_slot=upcoming, skipped=skipped)
    name, uid = pipeline
    cause = Cause(
        kind="Pipeline",
        name=name,
        uid=uid,
        value=timestamp(due[0]),
        came=timestamp(due[0]),
        earlier=[timestamp(slot) for slot in due[1 : MAX_COVERED + 1]],
        earlier_count=len(due) - 1,
    )
    return Look(message, cause, upcoming, at_once=True, next_slot=upcoming, skipped=skipped)


def _slots(cron: CronTrigger, now: datetime, reverse: bool = False) -> CronSim:
    """Iterates over the times after ``now``, or with ``reverse`` over those until now, the newest first."""
    begin = now.replace(microsecond=0) + timedelta(seconds=1 if reverse else 0)
    return CronSim(cron.schedule, begin.astimezone(ZoneInfo(cron.time_zone)), reverse=reverse)
