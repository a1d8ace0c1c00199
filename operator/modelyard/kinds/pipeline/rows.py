"""Keeps in status what each trigger has used, as its runs tell: the status is written after a run was made."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.conditions import timestamp
from modelyard.kinds.pipeline.observe import View
from modelyard_api.kinds.pipeline import Trigger, TriggerStatus
from modelyard_api.kinds.pipelinerun import Cause, PipelineRun


def rows(view: View, now: datetime) -> dict[str, TriggerStatus]:
    """Returns the status of each trigger, by its name, with what its newest run was started for."""
    before = {row.name: row for row in view.pipeline.status.triggers}
    return {
        trigger.name: _brought_up(view, trigger, _row(view, trigger, before.get(trigger.name), now))
        for trigger in view.pipeline.spec.triggers
    }


def watches(trigger: Trigger) -> str:
    """Returns what a trigger watches. If that changes, the trigger begins anew."""
    if trigger.cron:
        return f"{trigger.cron.schedule} {trigger.cron.time_zone}"
    if trigger.dataset:
        return f"Dataset {trigger.dataset.name}"
    condition = trigger.watched_condition
    assert condition is not None
    return f"{condition.kind} {condition.name} {condition.type}={condition.status}"


def _row(view: View, trigger: Trigger, before: TriggerStatus | None, now: datetime) -> TriggerStatus:
    if before is not None and before.watches == watches(trigger):
        return before
    # Times of a schedule count from the Pipeline's creation if nobody has looked at it before, even if that comes late.
    is_new = view.pipeline.status.observed_generation == -1
    since = view.pipeline.metadata.get("creationTimestamp") if is_new else None
    return TriggerStatus(name=trigger.name, watches=watches(trigger), since=since or timestamp(now))


def _brought_up(view: View, trigger: Trigger, row: TriggerStatus) -> TriggerStatus:
    """Returns the row with what the newest run of this trigger has used, unless the row tells of a newer one."""
    newest = next(
        ((run, cause) for run in reversed(view.runs) if run.uid in view.own and (cause := _cause(run, trigger))), None
    )
    if newest is None:
        return row
    run, cause = newest
    made = str(run.metadata["creationTimestamp"])
    return row if row.run_time and made <= row.run_time else used(row, cause, run)


def used(row: TriggerStatus, cause: Cause, run: PipelineRun) -> TriggerStatus:
    """Returns the row once this run has used the cause."""
    made = str(run.metadata["creationTimestamp"])
    of_cause = {"used": cause.value, "used_uid": cause.uid, "used_at": cause.came, "used_rows": cause.rows}
    return row.model_copy(update={**of_cause, "run": run.name, "run_time": max(made, row.run_time or made)})


def _cause(run: PipelineRun, trigger: Trigger) -> Cause | None:
    """Returns what of this trigger a run has used, if it came from what the trigger watches now."""
    given = ([run.spec.trigger] if run.spec.trigger else []) + run.spec.covers
    cause = next((item.cause for item in given if item.name == trigger.name), None)
    if cause is None or trigger.cron:
        return cause
    condition = trigger.watched_condition
    source = ("Dataset", trigger.dataset.name) if trigger.dataset else condition and (condition.kind, condition.name)
    return cause if (cause.kind, cause.name) == source else None
