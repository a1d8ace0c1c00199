"""Decides what a TrainingRun needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.plan import Facts, Plan, Write
from modelyard.kinds.trainingrun import children, record
from modelyard.kinds.trainingrun.checks import default_objective
from modelyard.kinds.trainingrun.observe import View, job_name
from modelyard.kinds.trainingrun.outcome import registered, trained
from modelyard.kinds.trainingrun.start import again, restored, start
from modelyard.workload.conclude import Step, conclude
from modelyard.workload.run import tracked
from modelyard.workload.run.adopt import adopted
from modelyard.workload.run.conditions import progressing
from modelyard.workload.run.ending import attempt, fail, has_ended
from modelyard.workload.run.follow import follow
from modelyard.workload.run.held import held
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Running
from modelyard.workload.run.ttl import finished
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.trainingrun import TrainingRunStatus
from modelyard_api.wire.task import TrainTask


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    if has_ended(view.run.status, view.run.generation):
        plan = finished(view.raw, view.run.status, view.job, view.run.spec, now)
        return replace(plan, writes=(*record.writes(view), *plan.writes))
    if not view.run.status.start_time:
        # A run may be edited until it starts, so what an earlier spec led to is dropped.
        view = _with_status(view, view.run.status.model_copy(update={"objective": None, "completion_time": None}))
        # A Job that was orphaned beside the version that it has made is no reason to register that again.
        job = view.job if view.former is None else None
        if job is not None and (status := adopted(view.run.status, job, TrainTask, restored)):
            view = _with_status(view, status)
    step = attempt(lambda: _step(view, facts, now), view.run.status, now)
    return conclude(view.raw, _with_objective(view, step), now)


def _step(view: View, facts: Facts, now: datetime) -> Step:
    run, job = view.run, view.job
    if run.status.format:
        return registered(view, now, run.status)
    if not run.status.start_time and (known := record.recorded(run)):
        return record.restored(view, known, facts, now)
    if not run.status.start_time and (version := view.former or view.model_version) is not None:
        return record.registered_before(view, version, facts, now)
    match state := follow(children.run(view), job, facts, now):
        case Absent():
            return again(view, facts, now) if run.status.start_time else start(view, facts, now)
        case Held(writes):
            return _suspended(view, writes)
        case Ended(attempts, result):
            return trained(view, now, result, run.status.model_copy(update={"attempts": attempts}))
        case Broken(attempts, trouble):
            if run.spec.trainer.script:
                tracked.close(run, trouble, facts, now)
            return fail(run.status.model_copy(update={"attempts": attempts}), now, trouble)
    phase = Phase.RUNNING if isinstance(state, Running) else Phase.PENDING
    status = run.status.model_copy(update={"attempts": state.attempts, "phase": phase})
    message = f"training on {status.dataset_version}, attempt {max(status.attempts, 1)}"
    conditions = progressing(state, job_name(run.name, run.uid), "Training", message)
    return Step(status, conditions, state.writes, state.after)


def _suspended(view: View, job_writes: tuple[Write, ...]) -> Step:
    run = view.run
    status, writes, anew = held(run.status, view.job, run.spec.pod_template, job_writes)
    if anew:
        status.image = children.image(view) if run.status.start_time else None
    message = "spec.suspend is true; set it to false and the run starts anew"
    return Step(status, kstatus.suspended(message), writes)


def _with_status(view: View, status: TrainingRunStatus) -> View:
    return replace(view, run=view.run.model_copy(update={"status": status}))


def _with_objective(view: View, step: Step) -> Step:
    status = step.status
    assert isinstance(status, TrainingRunStatus)
    if status.objective is None:
        task = view.model["spec"]["task"] if view.model else None
        status = status.model_copy(update={"objective": default_objective(view.run.spec, task)})
    return replace(step, status=status)
