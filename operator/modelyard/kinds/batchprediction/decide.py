"""Decides what a BatchPrediction needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import BATCH_PREDICTIONS
from modelyard.kinds.batchprediction import children
from modelyard.kinds.batchprediction.observe import View, job_name
from modelyard.kinds.batchprediction.outcome import predicted, registered
from modelyard.kinds.batchprediction.start import begin, of_result, restored, started
from modelyard.workload.conclude import Step, conclude
from modelyard.workload.run import record
from modelyard.workload.run.adopt import adopted, may_have_lost_its_status
from modelyard.workload.run.conditions import progressing
from modelyard.workload.run.ending import attempt, fail, has_ended
from modelyard.workload.run.follow import earlier, follow
from modelyard.workload.run.held import held
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Running
from modelyard.workload.run.ttl import finished
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.batchprediction import BatchPredictionStatus
from modelyard_api.wire.task import PredictTask


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = view.run.status
    if has_ended(status, view.run.generation):
        plan = finished(view.raw, status, view.job, view.run.spec, now)
        return replace(plan, writes=(*record.writes(BATCH_PREDICTIONS, view.raw, _digest(view)), *plan.writes))
    if not status.start_time:
        if known := record.ended(view.raw, _digest(view), BatchPredictionStatus):
            return conclude(view.raw, known, now)
        # A run may be edited until it starts, so what an earlier spec led to is dropped.
        view = _with_status(view, status.model_copy(update={"completion_time": None}))
        if view.job is not None and (status_of_job := adopted(view.run.status, view.job, PredictTask, restored)):
            view = _with_status(view, status_of_job)
    return conclude(view.raw, attempt(lambda: _step(view, facts, now), view.run.status, now), now)


def _step(view: View, facts: Facts, now: datetime) -> Step:
    status = view.run.status
    if status.rows is not None:
        return registered(view, now, status)
    match state := follow(children.run(view), view.job, facts, now):
        case Absent():
            return _again(view, facts, now) or begin(view, facts, now)
        case Held(stops):
            suspended, writes, anew = held(status, view.job, view.run.spec.pod_template, stops)
            if anew and suspended.inputs:
                inputs = suspended.inputs.model_copy(update={"image": children.own_image(view)})
                suspended.inputs = inputs
            message = "spec.suspend is true; set it to false and the run starts anew"
            return Step(suspended, kstatus.suspended(message), writes)
        case Ended(attempts, result):
            return predicted(view, now, result, status.model_copy(update={"attempts": attempts}))
        case Broken(attempts, trouble):
            return fail(status.model_copy(update={"attempts": attempts}), now, trouble)
    phase = Phase.RUNNING if isinstance(state, Running) else Phase.PENDING
    unfinished = status.model_copy(update={"attempts": state.attempts, "phase": phase})
    conditions = progressing(state, job_name(view.run), "Predicting", _scoring(unfinished))
    return Step(unfinished, conditions, state.writes, state.after)


def _again(view: View, facts: Facts, now: datetime) -> Step | None:
    """Returns the end of a run that has scored before its Job or its status was lost, or None."""
    if not may_have_lost_its_status(view.raw, now):
        return None
    result = earlier(children.run(view), facts, now)
    if result is None:
        return None
    status = view.run.status
    if not status.start_time:
        status = started(view, of_result(result), timestamp(now))
    return predicted(view, now, result, status)


def _scoring(status: BatchPredictionStatus) -> str:
    inputs = status.inputs
    what = f"{inputs.dataset_version} is scored by {inputs.model_version}" if inputs else "the rows are scored"
    return f"{what}, attempt {max(status.attempts, 1)}"


def _digest(view: View) -> str:
    return record.digest(view.run.spec, {"model_ref", "dataset_ref", "output", "max_bad_rows"})


def _with_status(view: View, status: BatchPredictionStatus) -> View:
    return replace(view, run=view.run.model_copy(update={"status": status}))
