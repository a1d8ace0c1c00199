"""Decides what a Pipeline needs next: a pure function of its view."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, parse_time, timestamp
from modelyard.engine.plan import Create, Facts, Note, Plan
from modelyard.engine.resource import PIPELINE_RUNS
from modelyard.kinds.pipeline import children, retention
from modelyard.kinds.pipeline.limits import hold
from modelyard.kinds.pipeline.observe import View
from modelyard.kinds.pipeline.problems import problem
from modelyard.kinds.pipeline.rows import rows, used
from modelyard.kinds.pipeline.triggers import condition, cron, dataset
from modelyard.kinds.pipeline.triggers.look import Look
from modelyard.workload.conclude import Step, conclude
from modelyard.workload.durations import duration
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.pipeline import PipelineStatus, RunCounts, Trigger, TriggerStatus
from modelyard_api.kinds.pipelinerun import CAUSE, Cause, PipelineRun, RunTrigger

MAX_MESSAGE = 256


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. It needs no facts but the objects."""
    return conclude(view.raw, _step(view, now), now)


def _step(view: View, now: datetime) -> Step:
    status = _counted(view)
    deletes = retention.expired(_recorded(view), view.pipeline.spec.retention)
    if trouble := problem(view.pipeline.spec):
        status.next_schedule = None
        return Step(status, kstatus.stalled(trouble.reason, trouble.message), deletes)
    before, looks = rows(view, now), {}
    for trigger in view.pipeline.spec.triggers:
        look = _look(view, trigger, before[trigger.name], now)
        if look.cause and (run := _run_of(view, trigger, look.cause)):
            before[trigger.name] = used(before[trigger.name], look.cause, run)
            look = _look(view, trigger, before[trigger.name], now)
        looks[trigger.name] = look
    pending = [RunTrigger(name=name, cause=look.cause) for name, look in looks.items() if look.cause]
    held = hold(view, status, [look for look in looks.values() if look.cause], now)
    status.triggers = [_row(before[name], look) for name, look in looks.items()]
    status.skipped += sum(len(look.skipped) for look in looks.values())
    slots = [look.next_slot for look in looks.values() if look.next_slot]
    status.next_schedule = timestamp(min(slots)) if slots else None
    times = [time for time in (*(look.after for look in looks.values()), held.until if held else None) if time]
    conditions = _conditions(view, looks, held.message if held else None)
    notes = tuple(_skipped(name, look) for name, look in looks.items() if look.skipped)
    after = min(times, default=None)
    if not pending or held is not None:
        return Step(status, conditions, deletes, after, notes)
    made = children.pipeline_run(view, pending)
    name, cause = made["metadata"]["name"], made["metadata"]["annotations"][CAUSE]
    started = Note("RunStarted", f"PipelineRun {name}: {cause}"[:1000])
    return Step(status, conditions, (*deletes, Create(PIPELINE_RUNS, made)), after, (*notes, started))


def _counted(view: View) -> PipelineStatus:
    """Returns the status with the runs that there are, and the newest one that there ever was."""
    phases = [run.status.phase for run in view.runs]
    ended = {phase: phases.count(phase) for phase in (Phase.SUCCEEDED, Phase.FAILED)}
    counts = RunCounts(
        running=len(phases) - sum(ended.values()), succeeded=ended[Phase.SUCCEEDED], failed=ended[Phase.FAILED]
    )
    status = view.pipeline.status.model_copy(update={"runs": counts})
    if view.runs:
        made = str(view.runs[-1].metadata["creationTimestamp"])
        if made >= (status.last_start_time or ""):
            status.last_run, status.last_start_time = view.runs[-1].name, made
    return status


def _recorded(view: View) -> Iterator[PipelineRun]:
    """Yields the Pipeline's own runs that its status knows. A newer one isn't deleted yet: if the operator ended before
    it wrote the status, nothing would say any more what that run has used."""
    known = view.pipeline.status.last_start_time or ""
    return (run for run in view.runs if run.uid in view.own and str(run.metadata["creationTimestamp"]) <= known)


def _run_of(view: View, trigger: Trigger, cause: Cause) -> PipelineRun | None:
    """Returns the run that was started for this, if it exists: so none follows if data are again what they were."""
    name = children.run_name(view, RunTrigger(name=trigger.name, cause=cause))
    return next((run for run in view.runs if run.name == name and run.uid in view.own), None)


def _look(view: View, trigger: Trigger, row: TriggerStatus, now: datetime) -> Look:
    pipeline, field = view.pipeline, f"spec.triggers[{trigger.name}]"
    if trigger.cron:
        limit = pipeline.spec.limits.starting_deadline
        deadline = duration(limit) if limit else None
        return cron.look(trigger.cron, row, (pipeline.name, pipeline.uid), deadline, now)
    watched = view.watched.get(trigger.name)
    if trigger.dataset:
        return dataset.look(trigger.dataset, row, watched, view.versions[trigger.name], f"{field}.dataset")
    watched_condition, part = trigger.watched_condition, "monitor" if trigger.monitor else "condition"
    assert watched_condition is not None
    return condition.look(watched_condition, row, watched, f"{field}.{part}", now)


def _row(row: TriggerStatus, look: Look) -> TriggerStatus:
    """Returns the trigger's row with what it waits for. What is skipped is dealt with, and so not counted again."""
    update = {"pending": look.cause.value if look.cause else None, "message": look.message[:MAX_MESSAGE]}
    if look.skipped:
        since = max(row.since, look.skipped[0], key=parse_time)
        update |= {"skipped": row.skipped + len(look.skipped), "since": since}  # type: ignore[dict-item]
    return row.model_copy(update=update)


def _conditions(view: View, looks: dict[str, Look], held: str | None) -> tuple[Condition, ...]:
    if view.pipeline.spec.suspend:
        return kstatus.suspended("spec.suspend is true; what comes meanwhile is one run once it is false again")
    troubles = [look.trouble for look in looks.values() if look.trouble]
    if troubles:
        return kstatus.reconciling(troubles[0].reason, troubles[0].message, warning=True)
    if not looks:
        return kstatus.ready("Watching", "it has no triggers: a PipelineRun that names it starts it")
    parts = [f"{name}: {look.message}" for name, look in looks.items()]
    return kstatus.ready("Watching", "; ".join([*([held] if held else []), *parts]))


def _skipped(name: str, look: Look) -> Note:
    slots = look.skipped
    times = f"{len(slots)} times" if len(slots) > 1 else "1 time"
    more = f"{len(slots)} or more times" if len(slots) >= cron.MOST else times
    message = f"trigger {name}: {more} of its schedule skipped, missed by more than spec.limits.startingDeadline"
    return Note("SlotsSkipped", f"{message}; the last was {slots[0]}", "Warning")
