"""Decides what a Sweep needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.plan import Apply, Delete, Facts, Plan
from modelyard.engine.resource import SERVICES, SWEEPS
from modelyard.kinds.sweep import children, outcome, progress
from modelyard.kinds.sweep.observe import View, job_name
from modelyard.kinds.sweep.progress import INTERVAL, with_progress
from modelyard.kinds.sweep.start import again, restored, start
from modelyard.workload.conclude import Step, conclude
from modelyard.workload.run import record, tracked
from modelyard.workload.run.adopt import adopted
from modelyard.workload.run.conditions import progressing
from modelyard.workload.run.ending import attempt, fail, has_ended
from modelyard.workload.run.follow import earlier, follow
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Running, Unfinished
from modelyard.workload.run.ttl import finished
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.sweep import SweepStatus
from modelyard_api.wire.result import SweepResult
from modelyard_api.wire.task import SweepTask

DECIDES = {
    *("dataset_ref", "model_ref", "objective", "sampler", "max_trials", "max_failed_trials"),
    *("trial_timeout", "validation", "search"),
}
"""Fields of the spec that decide which model is found."""


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = view.sweep.status
    if has_ended(status, view.sweep.generation):
        plan = finished(view.raw, status, view.job, view.sweep.spec, now)
        services = (Delete.of(SERVICES, view.service),) if view.service else ()
        return replace(plan, writes=(*record.writes(SWEEPS, view.raw, _digest(view)), *services, *plan.writes))
    if not status.start_time and (known := record.ended(view.raw, _digest(view), SweepStatus)):
        return conclude(view.raw, known, now)
    if view.job is not None and not status.start_time:
        view = _with_status(view, adopted(status, view.job, SweepTask, restored) or status)
    return conclude(view.raw, attempt(lambda: _step(view, facts, now), view.sweep.status, now), now)


def _step(view: View, facts: Facts, now: datetime) -> Step:
    status = view.sweep.status
    if view.training_run is not None:
        if status.best is None:  # the process has died after the run's creation, or the status was lost
            status = with_progress(view.sweep.spec, status, _found(view, facts, now))
        return outcome.trained(view, view.training_run, status, now)
    match state := follow(children.run(view), view.job, facts, now):
        case Absent():
            return again(view, facts, now) if status.start_time else start(view, facts, now)
        case Held(writes):
            suspended = status.model_copy(update={"phase": Phase.SUSPENDED})
            message = "spec.suspend is true; set it to false, and the search goes on where it was"
            return Step(suspended, kstatus.suspended(message), writes)
        case Ended(attempts, result):
            return outcome.searched(view, now, result, status.model_copy(update={"attempts": attempts}))
        case Broken(attempts, trouble):
            tracked.close(view.sweep, trouble, facts, now)
            status = status.model_copy(update={"attempts": attempts})
            if trouble.reason == "DeadlineExceeded":
                known = progress.newest(view.sweep, facts, now)
                if known is not None and known.best is not None:
                    return outcome.searched(view, now, known, status, "then the time of the search was over")
            known = progress.glanced(view.sweep, facts, now)
            return fail(with_progress(view.sweep.spec, status, known), now, trouble)
    return _unfinished(view, state, facts, now)


def _found(view: View, facts: Facts, now: datetime) -> SweepResult | None:
    """Returns what the search has found: its result, or its journal where its time was over before. Raises Missing and
    Waits."""
    known = earlier(children.run(view), facts, now) or progress.newest(view.sweep, facts, now)
    return known.model_copy(update={"running": 0}) if known else None


def _unfinished(view: View, state: Unfinished, facts: Facts, now: datetime) -> Step:
    spec, status = view.sweep.spec, view.sweep.status
    is_running = isinstance(state, Running)
    phase = Phase.RUNNING if is_running else Phase.PENDING
    status = status.model_copy(update={"attempts": state.attempts, "phase": phase})
    after = state.after
    if is_running:
        status = with_progress(spec, status, progress.glanced(view.sweep, facts, now))
        after = min(now + INTERVAL, after) if after else now + INTERVAL
        if state.trouble is not None and status.best is not None:
            state = Running(state.attempts, None, state.writes)  # its time is over, but it has not failed
    message = f"searching on {status.dataset_version}"
    if status.progress:
        message += f": {status.progress.message}"
    service = () if view.service else (Apply(SERVICES, children.service(view)),)
    conditions = progressing(state, job_name(view.sweep), "Searching", message)
    return Step(status, conditions, (*service, *state.writes), after)


def _digest(view: View) -> str:
    return record.digest(view.sweep.spec, DECIDES)


def _with_status(view: View, status: SweepStatus) -> View:
    return replace(view, sweep=view.sweep.model_copy(update={"status": status}))
