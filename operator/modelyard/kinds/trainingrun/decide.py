"""What a TrainingRun needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import conditions, parse_time
from modelyard.engine.plan import Delete, Facts, Note, Plan, Write
from modelyard.engine.resource import JOBS, Object
from modelyard.kinds.trainingrun import children, outcome
from modelyard.kinds.trainingrun.checks import default_objective
from modelyard.kinds.trainingrun.observe import View
from modelyard.kinds.trainingrun.start import adopt, again, start
from modelyard.kinds.trainingrun.step import Step, ask, give_up, pod_pending
from modelyard.workload.run import jobs, progress
from modelyard.workload.run.jobs import JobPhase
from modelyard_api.fields.status import Phase


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    if kstatus.holds(view.raw, "Complete") or kstatus.holds(view.raw, "Failed"):
        if not _corrected(view):
            return _finished(view, now)
        status = view.run.status.model_copy(update={"completion_time": None})
        view = replace(view, run=view.run.model_copy(update={"status": status}))
    if not view.run.status.start_time:
        # Until it starts it may be edited: what an earlier spec made the objective holds no more.
        status = view.run.status.model_copy(update={"objective": None})
        view = replace(view, run=view.run.model_copy(update={"status": status}))
    return _conclude(view, now, _step(view, facts, now))


def _corrected(view: View) -> bool:
    """A run that failed before it started may still be edited, and then it has a second chance."""
    failed = kstatus.find(view.raw, "Failed")
    before_start = failed is not None and not view.run.status.start_time
    return before_start and failed is not None and failed.get("observedGeneration") != view.run.generation


def _step(view: View, facts: Facts, now: datetime) -> Step:
    run, job = view.run, view.job
    if job is not None and not run.status.start_time and (found := adopt(view, job)):
        return found
    if kstatus.holds(view.raw, "Trained"):
        return outcome.registered(view, now, run.status)
    phase = jobs.phase(job) if job else None
    if job is not None and phase in (JobPhase.COMPLETE, JobPhase.FAILED):
        view = _counted(view, job)
    if job is not None and phase is JobPhase.COMPLETE:
        return outcome.complete(view, facts, now, job)
    if job is not None and phase is JobPhase.FAILED:
        return outcome.job_failed(view, facts, now, job)
    if run.spec.suspend:
        return _suspended(view)
    if job is not None:
        return _running(view, facts, now, job)
    return again(view, facts, now) if run.status.start_time else start(view, facts, now)


def _counted(view: View, job: Object) -> View:
    """The last attempt may have ended before it was seen; a Job is complete before it has counted its last pod."""
    last = 1 if jobs.phase(job) is JobPhase.COMPLETE else 0
    attempts = max(jobs.attempts(job), jobs.failed_attempts(job) + last, view.run.status.attempts)
    status = view.run.status.model_copy(update={"attempts": attempts})
    return replace(view, run=view.run.model_copy(update={"status": status}))


def _suspended(view: View) -> Step:
    """Its Job waits too; but not one made from another pod template, which would run as it was."""
    run, job = view.run, view.job
    status = run.status.model_copy()
    writes: tuple[Write, ...] = ()
    if job is not None and jobs.pod_template(job) == children.pod_template(view):
        writes = jobs.adjust(job, run.spec)
    else:
        status.image = children.image(view) if run.status.start_time else None
        if job is not None:
            writes = (Delete.of(JOBS, job),)
            status.attempts = jobs.failed_attempts(job)
    message = "spec.suspend is true; set it to false and the run starts anew"
    return Step(kstatus.suspended(message), Phase.SUSPENDED, Plan(writes=writes), status)


def _running(view: View, facts: Facts, now: datetime, job: Object) -> Step:
    status = view.run.status.model_copy(update={"attempts": max(jobs.attempts(job), view.run.status.attempts)})
    plan = Plan(writes=jobs.adjust(job, view.run.spec))
    found = progress.look(job, facts, now, outcome.fields(view))
    if not isinstance(found, progress.Look):
        return ask(found)
    plan, trouble = replace(plan, after=found.after), found.trouble
    if found.runs:
        message = f"training on {status.dataset_version}, attempt {max(status.attempts, 1)}"
        return Step(kstatus.reconciling("Training", message), Phase.RUNNING, plan, status)
    if trouble is None:
        return Step(pod_pending(job["metadata"]["name"]), Phase.PENDING, plan, status)
    plan = replace(plan, notes=(Note(trouble.reason, trouble.message, "Warning"),))
    if found.stalled:
        return Step(kstatus.stalled(trouble.reason, trouble.message), Phase.PENDING, plan, status)
    if found.lost:
        return give_up(view, now, job, trouble, jobs.failed_attempts(job))
    return Step(kstatus.reconciling(trouble.reason, trouble.message), Phase.PENDING, plan, status)


def _finished(view: View, now: datetime) -> Plan:
    """Nothing runs any more; the Job goes after its time to live, the run stays."""
    run, job = view.run, view.job
    status = dict(view.raw["status"])
    status["observedGeneration"] = run.generation
    status["conditions"] = [{**item, "observedGeneration": run.generation} for item in status["conditions"]]
    ttl, ended = run.spec.ttl_seconds_after_finished, run.status.completion_time
    if ttl is None or ended is None or job is None:
        return Plan(status=status)
    due = parse_time(ended) + timedelta(seconds=ttl)
    if now < due:
        return Plan(status=status, after=due)
    return Plan(status=status, writes=(Delete.of(JOBS, job),))


def _conclude(view: View, now: datetime, step: Step) -> Plan:
    if step.plan.needs:
        return step.plan
    run = view.run
    status = (step.status or run.status).model_copy(update={"phase": step.phase, "observed_generation": run.generation})
    if status.objective is None:
        status.objective = default_objective(run.spec, view.model["spec"]["task"] if view.model else None)
    wire = status.wire()
    previous = (view.raw.get("status") or {}).get("conditions") or ()
    wire["conditions"] = conditions(step.conditions, previous, run.generation, now)
    return replace(step.plan, status=wire, notes=step.plan.notes if _news(view, step) else ())


def _news(view: View, step: Step) -> bool:
    """An Event tells of a change, so it is sent only when the reason of Ready is a new one."""
    before = kstatus.find(view.raw, "Ready")
    return before is None or before["reason"] != step.conditions[0].reason
