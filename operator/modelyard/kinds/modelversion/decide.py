"""Decides what a ModelVersion needs next: it is verified first, then judged by the Model's gates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from modelyard.engine.plan import Create, Delete, Facts, Patch, Plan
from modelyard.engine.resource import JOBS, MODEL_VERSIONS, Object
from modelyard.kinds.modelversion import children
from modelyard.kinds.modelversion.approval import approve
from modelyard.kinds.modelversion.damage import conditions_of, damage
from modelyard.kinds.modelversion.observe import View
from modelyard.kinds.modelversion.proof import of_run, verify
from modelyard.workload import references
from modelyard.workload.adoption import adoption, due
from modelyard.workload.conclude import Fails, Step, Trouble, Waits, conclude
from modelyard.workload.foreign import IMPORT_IT, check, is_own
from modelyard.workload.names import RUN_UID
from modelyard.workload.run import jobs, ttl
from modelyard.workload.run.conditions import pod_pending, progressing
from modelyard.workload.run.follow import earlier, follow
from modelyard.workload.run.jobs import JobPhase
from modelyard.workload.run.states import Absent, Broken, Ended, Held
from modelyard_api.kinds.modelversion import ModelVersionStatus


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = view.version.status.model_copy()
    status.aliases = _aliases(view)
    try:
        step = _step(view, facts, now, status)
    except Waits as waits:
        step = waits.step(status)
    except Fails as fails:
        step = fails.step(status)
    writes, look_again = _adoption(view, now)
    after = step.after if look_again is None else min(look_again, step.after or look_again)
    return conclude(view.raw, replace(step, writes=(*writes, *step.writes), after=after), now)


def _step(view: View, facts: Facts, now: datetime, status: ModelVersionStatus) -> Step:
    if not is_own(view.version):
        status.verified = status.approved = status.damage = None
    check(view.version.namespace, view.version.spec.artifact.uri, "spec.artifact.uri", IMPORT_IT)
    if status.damage is not None or status.verified:
        before, status.damage = status.damage, damage(view, now)
        if status.damage is not None:
            status.verified = False
            return Step(status, conditions_of(view, status.damage))
        if before is not None:
            status.verified = None
    if status.verified:
        return _verified(view, facts, now, status)
    if view.model is None:
        name = view.version.spec.model_ref.name
        raise Waits("ModelNotFound", f"spec.modelRef.name: there is no Model {name!r}; apply it")
    if view.version.spec.lineage.training_run is None:
        return _evaluate(view, facts, now, status)
    verify(view, status, of_run(view, facts, now))
    return _verified(view, facts, now, status)


def _verified(view: View, facts: Facts, now: datetime, status: ModelVersionStatus) -> Step:
    """Returns the Step of a verified version, which is judged and whose Jobs are deleted some time after their end."""
    approval = approve(view, facts, now, status)
    expiries = [
        ttl.expired(job, _completion_time(job), children.POLICY.ttl_seconds_after_finished, now)
        for job in view.jobs.values()
    ]
    gone = tuple(delete for deletes, _ in expiries for delete in deletes)
    times = [after for after in (approval.after, *(after for _, after in expiries)) if after]
    return Step(status, approval.conditions, (*approval.writes, *gone, *_stale(view)), min(times, default=None))


def _stale(view: View) -> tuple[Delete, ...]:
    """Returns the deletes of running Jobs that score a former champion: nobody would look at their results."""
    if view.champion is None:
        return ()  # A Model that lost its status has none for a moment; the Job may be the right one again.
    current = (children.job_name(view.version), children.comparison_job_name(view.version, view.champion))
    running = ((name, job) for name, job in view.jobs.items() if jobs.phase(job) is JobPhase.ACTIVE)
    return tuple(Delete.of(JOBS, job) for name, job in running if name not in current)


def _evaluate(view: View, facts: Facts, now: datetime, status: ModelVersionStatus) -> Step:
    """Returns the Step of an imported model, which a Job of its own checks and scores."""
    run, name, lineage = children.run(view.version), children.job_name(view.version), view.version.spec.lineage
    scoring = ("Evaluating", f"Job {name} scores the model on {lineage.dataset_version}")
    match state := follow(run, view.jobs.get(name), facts, now):
        case Absent():
            # Reuse an earlier result: neither a deleted Job nor a lost status is a reason to score again.
            proof = earlier(run, facts, now)
            if proof is None:
                return _begin(view, status)
            status.job, status.attempts = name, max(status.attempts, 1)
            verify(view, status, proof)
            return _verified(view, facts, now, status)
        case Ended(attempts, result):
            status.job, status.attempts = name, attempts
            verify(view, status, result)
            return _verified(view, facts, now, status)
        case Broken(attempts, trouble):
            status.job, status.attempts = name, attempts
            raise Fails(trouble)
    assert not isinstance(state, Held), "POLICY never suspends"
    status.job, status.attempts = name, state.attempts
    return Step(status, progressing(state, name, *scoring), state.writes, state.after)


def _begin(view: View, status: ModelVersionStatus) -> Step:
    name = view.version.spec.lineage.dataset_version
    if view.data is None:
        message = f"spec.lineage.datasetVersion: there is no DatasetVersion {name!r}; apply its Dataset"
        raise Waits("DatasetVersionNotFound", message)
    references.check_target(view.data, "spec.lineage.datasetVersion")
    assert view.model is not None
    job = children.evaluation_job(view, view.data, view.model.spec.task)
    if too_large := jobs.task_too_large(job):
        message = f"spec.lineage.datasetVersion: the columns of {name} {too_large}; score it on a smaller one"
        raise Fails(Trouble("SpecTooLarge", message))
    status.job = job["metadata"]["name"]
    return Step(status, pod_pending(job["metadata"]["name"]), (Create(JOBS, job),))


def _adoption(view: View, now: datetime) -> tuple[tuple[Patch, ...], datetime | None]:
    """Returns the patch that makes the Model the owner of a version that has none, or when to look again.

    An imported version has none at first. One that a run made has lost it: it comes from a backup, or its Model was
    orphaned. Its label with the run's uid is then removed unless that run lives, so that a restored run finds it.
    """
    owner = {"kind": "Model", "metadata": view.model.metadata} if view.model else None
    is_due, look_again = due(view.raw, owner, now)
    if not is_due or owner is None:
        return (), look_again
    run_uid = (view.raw["metadata"].get("labels") or {}).get(RUN_UID)
    more = {"labels": {RUN_UID: None}} if run_uid and run_uid != view.run_uid else None
    return (adoption(MODEL_VERSIONS, view.raw, owner, more),), None


def _completion_time(job: Object) -> str | None:
    return (job.get("status") or {}).get("completionTime")


def _aliases(view: View) -> list[str]:
    if view.model is None:
        return view.version.status.aliases
    number = view.version.spec.number
    return [alias.name for alias in view.model.status.aliases if alias.version == number]
