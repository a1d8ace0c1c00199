"""A condition that has had a status for so long. It starts a run once for each time that it has changed to it.

A model that was trained anew may not mend what the condition tells of. Then the condition stays as it is, and starts
no further run until it has changed and come back, or ``repeat`` says to try again: a run an hour for a sensor that is
broken would help nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import parse_time, timestamp
from modelyard.engine.resource import Object
from modelyard.kinds.pipeline.triggers.look import Look, is_used
from modelyard.workload.conclude import Trouble
from modelyard.workload.durations import duration
from modelyard_api.kinds.pipeline import ConditionTrigger, TriggerStatus
from modelyard_api.kinds.pipelinerun import Cause

MAX_TYPE = 200
"""Characters of a condition's type in a cause: it names the run's trigger for people, and is bounded."""
SHORTEST_REPEAT = timedelta(minutes=1)


def look(trigger: ConditionTrigger, row: TriggerStatus, obj: Object | None, field: str, now: datetime) -> Look:
    about = f"{trigger.type} of {trigger.kind} {trigger.name}"
    if obj is None:
        message = f"{field}.name: there is no {trigger.kind} {trigger.name!r}; apply it"
        return Look(message, trouble=Trouble("ObjectNotFound", message))
    condition = kstatus.find(obj, trigger.type)
    if condition is None:
        return Look(f"{trigger.kind} {trigger.name} has no condition {trigger.type}")
    if condition["status"] != trigger.status:
        return Look(f"{about} is {condition['status']}; it waits for {trigger.status}")
    changed = condition["lastTransitionTime"]
    due = parse_time(changed) + duration(trigger.for_)
    if now < due:
        return Look(f"{about} is {trigger.status} since {changed}; it must be for {trigger.for_}", after=due)
    times, again = _repeats(trigger, due, now)
    value = f"{trigger.type[:MAX_TYPE]} is {trigger.status} since {changed}"
    if times:
        value = f"{value}, repeat {times}"
    uid = obj["metadata"]["uid"]
    if is_used(row, value, uid):
        hint = f"again at {timestamp(again)}" if again else "again once it has changed and come back"
        return Look(f"{about} is {trigger.status} since {changed}, which is used; {hint}", after=again)
    came = due + times * max(duration(trigger.repeat or "0s"), SHORTEST_REPEAT)
    cause = Cause(kind=trigger.kind, name=trigger.name, uid=uid, value=value, came=timestamp(came))
    return Look(f"{about} is {trigger.status} since {changed}", cause, again)


def _repeats(trigger: ConditionTrigger, due: datetime, now: datetime) -> tuple[int, datetime | None]:
    """Returns how often the condition has been due again, and when it is next; 0 and None without ``repeat``."""
    if trigger.repeat is None:
        return 0, None
    every = max(duration(trigger.repeat), SHORTEST_REPEAT)
    times = (now - due) // every
    return times, due + (times + 1) * every
