"""What a TrainingRun needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import conditions, parse_time
from modelyard.engine.plan import Delete, Facts, Note, Plan, PodsOf, Unavailable, Write
from modelyard.engine.resource import JOBS, Object
from modelyard.kinds.trainingrun import children, outcome
from modelyard.kinds.trainingrun.checks import default_objective
from modelyard.kinds.trainingrun.observe import View
from modelyard.kinds.trainingrun.start import adopt, again, start
from modelyard.kinds.trainingrun.step import Step, ask, pod_pending
from modelyard.workload import failures, jobs
from modelyard.workload.jobs import JobPhase
from modelyard_api.status import Phase


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    if kstatus.holds(view.raw, "Complete") or kstatus.holds(view.raw, "Failed"):
        if not _corrected(view):
            return _finished(view, now)
        status = view.run.status.model_copy(update={"completion_time": None})
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
    if job is not None and phase is JobPhase.COMPLETE:
        return outcome.complete(view, facts, now)
    if job is not None and phase is JobPhase.FAILED:
        return outcome.job_failed(view, facts, now, job)
    if run.spec.suspend:
        return _suspended(view)
    if job is not None:
        return _running(view, facts, now, job)
    return again(view, facts, now) if run.status.start_time else start(view, facts, now)


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
            meta = job["metadata"]
            writes = (Delete(JOBS, meta["namespace"], meta["name"], meta["uid"]),)
    message = "spec.suspend is true; set it to false and the run starts anew"
    return Step(kstatus.suspended(message), Phase.SUSPENDED, Plan(writes=writes), status)


def _running(view: View, facts: Facts, now: datetime, job: Object) -> Step:
    status = view.run.status.model_copy(update={"attempts": max(jobs.attempts(job), view.run.status.attempts)})
    plan = Plan(writes=jobs.adjust(job, view.run.spec))
    look = jobs.look_at_pods(job, now)
    if look is None:
        message = f"training on {status.dataset_version}, attempt {max(status.attempts, 1)}"
        return Step(kstatus.reconciling("Training", message), Phase.RUNNING, plan, status)
    waits = pod_pending(job["metadata"]["name"])
    if look > now:
        return Step(waits, Phase.PENDING, replace(plan, after=look), status)
    need = PodsOf(view.run.namespace, job["metadata"]["name"], job["metadata"]["uid"])
    if need not in facts:
        return ask(need)
    pods = facts[need] if not isinstance(facts[need], Unavailable) else []
    trouble = failures.waiting(pods, outcome.fields(view))
    plan = replace(plan, after=jobs.look_again(job, now))
    if trouble:
        plan = replace(plan, notes=(Note(trouble.reason, trouble.message, "Warning"),))
        return Step(kstatus.stalled(trouble.reason, trouble.message), Phase.PENDING, plan, status)
    return Step(waits, Phase.PENDING, plan, status)


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
    meta = job["metadata"]
    return Plan(status=status, writes=(Delete(JOBS, meta["namespace"], meta["name"], meta["uid"]),))


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
