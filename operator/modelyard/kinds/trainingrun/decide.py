"""What a TrainingRun needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, conditions, parse_time, timestamp
from modelyard.engine.plan import Create, Delete, Facts, Note, Plan, PodsOf, Result, Unavailable
from modelyard.engine.resource import JOBS, Object
from modelyard.kinds.trainingrun import children
from modelyard.kinds.trainingrun.checks import DEFAULT_OBJECTIVE, check
from modelyard.kinds.trainingrun.observe import View
from modelyard.workload import failures, jobs
from modelyard.workload.jobs import JobPhase
from modelyard_api import result as results
from modelyard_api.metrics import Task
from modelyard_api.status import Outputs, Phase
from modelyard_api.trainingrun import TrainingRunStatus

RESULT: TypeAdapter[results.Result] = TypeAdapter(results.Result)
RETRY = timedelta(seconds=10)
FRESH = timedelta(seconds=30)
"""A run younger than this can't have lost its status: no need to ask the store whether it has run before."""


@dataclass(frozen=True)
class Step:
    """What one branch decided; ``conclude`` makes the plan of it."""

    conditions: tuple[Condition, ...]
    phase: Phase
    plan: Plan = field(default_factory=Plan)
    status: TrainingRunStatus | None = None


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    if kstatus.holds(view.raw, "Complete") or kstatus.holds(view.raw, "Failed"):
        return _finished(view, now)
    if view.run.spec.suspend and (view.job is None or jobs.phase(view.job) in (JobPhase.ACTIVE, JobPhase.SUSPENDED)):
        writes = jobs.adjust(view.job, view.run.spec) if view.job else ()
        message = "spec.suspend is true; set it to false and the run starts anew"
        return _conclude(view, now, Step(kstatus.suspended(message), Phase.SUSPENDED, Plan(writes=writes)))
    if view.job is None and not view.run.status.start_time:
        return _conclude(view, now, _start(view, facts, now))
    if view.job is None:
        return _conclude(view, now, _again(view, facts, now))
    phase = jobs.phase(view.job)
    if phase is JobPhase.COMPLETE:
        return _conclude(view, now, _ended(view, facts, now, view.job))
    if phase is JobPhase.FAILED:
        return _conclude(view, now, _job_failed(view, facts, now, view.job))
    return _conclude(view, now, _running(view, facts, now, view.job))


def _start(view: View, facts: Facts, now: datetime) -> Step:
    """Resolve what it is trained on, and write that down before the Job exists."""
    spec = view.run.spec
    if spec.model_ref and view.model is None:
        return _wait("ModelNotFound", f"spec.modelRef.name: there is no Model {spec.model_ref.name!r}; apply it")
    trouble = check(spec, view.model["spec"]["task"] if view.model else None)
    if trouble:
        return _fail(view, now, trouble)
    ref = spec.dataset_ref
    if view.dataset is None:
        return _wait("DatasetNotFound", f"spec.datasetRef.name: there is no Dataset {ref.name!r}; apply it")
    if view.version is None:
        if ref.version:
            return _wait("DatasetVersionNotFound", f"spec.datasetRef.version: there is no {ref.version!r}")
        return _wait("DatasetNotReady", f"Dataset {ref.name!r} has no accepted version yet; see its conditions")
    if view.version["spec"]["datasetRef"]["name"] != ref.name:
        message = f"spec.datasetRef.version: {ref.version!r} is not a version of Dataset {ref.name!r}"
        return _fail(view, now, failures.Trouble("DatasetVersionMismatch", message))
    if not kstatus.holds(view.version, "Ready"):
        name = view.version["metadata"]["name"]
        return _wait("DatasetVersionNotAccepted", f"DatasetVersion {name!r} is not accepted; see its conditions")
    status = view.run.status.model_copy(
        update={
            "dataset_version": view.version["metadata"]["name"],
            "image": children.image(view),
            "result_uri": children.result_uri(view.run),
            "job": children.job_name(view.run),
            "start_time": timestamp(now),
        }
    )
    note = Note("Started", f"training on {status.dataset_version}")
    return Step(kstatus.reconciling("Starting", "the Job is being made"), Phase.PENDING, Plan(notes=(note,)), status)


def _again(view: View, facts: Facts, now: datetime) -> Step:
    """It has started but has no Job: not made yet, deleted by somebody, or a restored backup."""
    started = view.run.status.start_time
    if started and now - parse_time(started) > FRESH:
        found = _read_result(view, facts)
        if isinstance(found, Step):
            return found
        if isinstance(found, results.TrainResult):
            return _succeeded(view, now, found)
    if view.version is None:
        name = view.run.status.dataset_version
        return _fail(view, now, failures.Trouble("DatasetVersionNotFound", f"DatasetVersion {name!r} was deleted"))
    if view.run.spec.model_ref and view.model is None:
        name = view.run.spec.model_ref.name
        return _wait("ModelNotFound", f"spec.modelRef.name: there is no Model {name!r}; apply it")
    made = Create(JOBS, children.training_job(view, view.version))
    return Step(kstatus.reconciling("Starting", "the Job is being made"), Phase.PENDING, Plan(writes=(made,)))


def _running(view: View, facts: Facts, now: datetime, job: Object) -> Step:
    status = view.run.status.model_copy(update={"attempts": max(jobs.attempts(job), view.run.status.attempts)})
    plan = Plan(writes=jobs.adjust(job, view.run.spec))
    look = jobs.look_at_pods(job, now)
    if look is None:
        message = f"training on {status.dataset_version}, attempt {max(status.attempts, 1)}"
        return Step(kstatus.reconciling("Training", message), Phase.RUNNING, plan, status)
    if look > now:
        message = f"waiting for the training pod of Job {status.job}"
        waits = kstatus.reconciling("PodPending", message)
        return Step(waits, Phase.PENDING, replace(plan, after=look), status)
    need = PodsOf(view.run.namespace, job["metadata"]["name"], job["metadata"]["uid"])
    if need not in facts:
        return Step((), Phase.PENDING, Plan(needs=(need,)))
    pods = facts[need] if not isinstance(facts[need], Unavailable) else []
    named = "spec.trainer.container.image" if view.run.spec.trainer.container else "spec.podTemplate.image"
    trouble = failures.waiting(pods, named)
    plan = replace(plan, after=now + RETRY)
    if trouble:
        return Step(kstatus.stalled(trouble.reason, trouble.message), Phase.PENDING, plan, status)
    message = f"waiting for the training pod of Job {status.job}"
    return Step(kstatus.reconciling("PodPending", message), Phase.PENDING, plan, status)


def _ended(view: View, facts: Facts, now: datetime, job: Object) -> Step:
    found = _read_result(view, facts)
    if isinstance(found, Step):
        return found
    if isinstance(found, results.TrainResult):
        return _succeeded(view, now, found)
    if isinstance(found, results.Failed):
        return _fail(view, now, failures.Trouble(found.error.reason, found.error.message))
    message = f"the pod ended well but left no result at {view.run.status.result_uri}; see the Job's log"
    return _fail(view, now, failures.Trouble("ResultMissing", message))


def _job_failed(view: View, facts: Facts, now: datetime, job: Object) -> Step:
    found = _read_result(view, facts)
    if isinstance(found, Step) and found.plan.needs:
        return found
    need = PodsOf(view.run.namespace, job["metadata"]["name"], job["metadata"]["uid"])
    if need not in facts:
        return Step((), Phase.RUNNING, Plan(needs=(need,)))
    if isinstance(found, results.TrainResult):
        return _succeeded(view, now, found)
    pods = facts[need] if not isinstance(facts[need], Unavailable) else []
    wrote = found if isinstance(found, results.Failed) else None
    own = view.run.spec.trainer.container is not None
    return _fail(view, now, failures.of_job(job, pods, wrote, own))


def _read_result(view: View, facts: Facts) -> results.Result | Step | None:
    """The result document; a Step where it has to be asked for, or can't be read now."""
    need = Result(view.run.status.result_uri or children.result_uri(view.run))
    if need not in facts:
        return Step((), Phase.RUNNING, Plan(needs=(need,)))
    found = facts[need]
    if isinstance(found, Unavailable):
        return _wait("ArtifactStoreUnavailable", found.message, Phase.RUNNING)
    return RESULT.validate_python(found) if found is not None else None


def _succeeded(view: View, now: datetime, found: results.TrainResult) -> Step:
    """Trained; with a modelRef, complete once the Model has registered the version."""
    status = view.run.status.model_copy(
        update={
            "metrics": found.metrics,
            "objective": found.objective,
            "score": _score(found),
            "attempts": max(view.run.status.attempts, 1),
            "tracking_url": tracking_url(view, found),
            "completion_time": view.run.status.completion_time or timestamp(now),
            "outputs": Outputs(dataset_version=view.run.status.dataset_version),
        }
    )
    trained = Condition("Trained", True, "Trained", "the model was trained, converted, checked and scored")
    if view.run.spec.model_ref is None:
        done = (*kstatus.complete("Trained", _summary(status)), trained)
        return Step(done, Phase.SUCCEEDED, Plan(notes=(Note("Trained", _summary(status)),)), status)
    if view.model_version is None:
        name = view.run.spec.model_ref.name
        message = f"waiting for Model {name!r} to register the version"
        if view.model is None:
            message = f"there is no Model {name!r} any more; apply it, and the version is registered"
        return Step((*kstatus.reconciling("Registering", message), trained), Phase.RUNNING, Plan(), status)
    name = view.model_version["metadata"]["name"]
    status.outputs = Outputs(dataset_version=status.dataset_version, model_version=name)
    message = f"registered {name}: {_summary(status)}"
    done = (*kstatus.complete("Registered", message), trained)
    return Step(done, Phase.SUCCEEDED, Plan(notes=(Note("Registered", message),)), status)


def _score(found: results.TrainResult) -> str | None:
    value = found.metrics.get(found.objective)
    return None if value is None else f"{value:.4g}"


def _summary(status: TrainingRunStatus) -> str:
    return f"{status.objective} {status.score} on the held-out rows"


def tracking_url(view: View, found: results.TrainResult) -> str | None:
    if not found.tracking_run_id:
        return None
    base = view.installation.tracking_ui_url or view.installation.tracking_url
    return f"{base.rstrip('/')}/#/experiments/{found.tracking_experiment_id}/runs/{found.tracking_run_id}"


def _finished(view: View, now: datetime) -> Plan:
    """Nothing runs any more; the Job goes after its time to live, the run stays."""
    status = view.run.status.model_copy(update={"observed_generation": view.run.generation})
    wire = {**(view.raw.get("status") or {}), **status.wire()}
    ttl, ended = view.run.spec.ttl_seconds_after_finished, status.completion_time
    if ttl is None or ended is None or view.job is None:
        return Plan(status=wire)
    due = parse_time(ended) + timedelta(seconds=ttl)
    if now < due:
        return Plan(status=wire, after=due)
    meta = view.job["metadata"]
    return Plan(status=wire, writes=(Delete(JOBS, meta["namespace"], meta["name"], meta["uid"]),))


def _wait(reason: str, message: str, phase: Phase = Phase.PENDING) -> Step:
    """Looks again after a while too: not everything that is waited for is watched."""
    return Step(kstatus.reconciling(reason, message), phase, Plan())


def _fail(view: View, now: datetime, trouble: failures.Trouble) -> Step:
    status = view.run.status.model_copy(update={"completion_time": timestamp(now)})
    note = Note(trouble.reason, trouble.message, "Warning")
    return Step(kstatus.failed(trouble.reason, trouble.message), Phase.FAILED, Plan(notes=(note,)), status)


def _conclude(view: View, now: datetime, step: Step) -> Plan:
    if step.plan.needs:
        return step.plan
    run = view.run
    status = (step.status or run.status).model_copy(update={"phase": step.phase, "observed_generation": run.generation})
    if status.objective is None:
        status.objective = run.spec.objective or _default_objective(view)
    wire = status.wire()
    previous = (view.raw.get("status") or {}).get("conditions") or ()
    wire["conditions"] = conditions(step.conditions, previous, run.generation, now)
    after = step.plan.after
    if after is None and step.phase in (Phase.PENDING, Phase.RUNNING):
        after = now + RETRY if step.conditions[0].reason == "ArtifactStoreUnavailable" else None
    notes = step.plan.notes if _news(view, step) else ()
    return replace(step.plan, status=wire, after=after, notes=notes)


def _news(view: View, step: Step) -> bool:
    """An Event tells of a change, so it is sent only when the reason of Ready is a new one."""
    before = kstatus.find(view.raw, "Ready")
    return before is None or before["reason"] != step.conditions[0].reason


def _default_objective(view: View) -> str | None:
    task = (view.model or {"spec": {}})["spec"].get("task")
    return DEFAULT_OBJECTIVE[Task(task)] if task else None
