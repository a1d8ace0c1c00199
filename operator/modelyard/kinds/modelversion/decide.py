"""What a ModelVersion needs next: verified first, then judged by the Model's gates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, conditions
from modelyard.engine.plan import Create, Facts, Plan, PodsOf, Result, Unavailable
from modelyard.engine.resource import JOBS
from modelyard.kinds.modelversion import children
from modelyard.kinds.modelversion.gates import judge
from modelyard.kinds.modelversion.observe import View
from modelyard.workload import failures, jobs
from modelyard.workload.jobs import JobPhase
from modelyard_api import result as results
from modelyard_api.model import ModelKind
from modelyard_api.modelversion import ModelVersionStatus

RESULT: TypeAdapter[results.Result] = TypeAdapter(results.Result)
RETRY = timedelta(seconds=10)
Proof = results.TrainResult | results.EvaluateResult


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    status = view.version.status.model_copy()
    status.aliases = _aliases(view)
    if kstatus.holds(view.raw, "Verified"):
        return _plan(view, now, status, _judged(view, status), Plan())
    if view.model is None:
        name = view.version.spec.model_ref.name
        message = f"spec.modelRef.name: there is no Model {name!r}; apply it"
        return _plan(view, now, status, kstatus.reconciling("ModelNotFound", message), Plan())
    need = Result(children.result_uri(view.version))
    imported = view.version.spec.lineage.training_run is None
    if imported and (view.job is None or jobs.phase(view.job) in (JobPhase.ACTIVE, JobPhase.SUSPENDED)):
        return _evaluate(view, view.model, facts, now, status)
    if need not in facts:
        return Plan(needs=(need,))
    if isinstance(facts[need], Unavailable):
        waits = kstatus.reconciling("ArtifactStoreUnavailable", facts[need].message)
        return _plan(view, now, status, waits, Plan(after=now + RETRY))
    found = RESULT.validate_python(facts[need]) if facts[need] is not None else None
    if isinstance(found, results.TrainResult | results.EvaluateResult):
        return _verified(view, now, status, found)
    if imported and view.job:
        return _failed(view, facts, now, status, found)
    message = f"spec.artifact.uri: there is no result at {need.uri}; only a finished run or an import makes a version"
    return _plan(view, now, status, kstatus.stalled("ArtifactMissing", message), Plan())


def _verified(view: View, now: datetime, status: ModelVersionStatus, proof: Proof) -> Plan:
    if proof.artifact_digest != view.version.spec.artifact.digest:
        message = (
            f"spec.artifact.digest: {view.version.spec.artifact.digest} is not the digest of what was checked, "
            f"{proof.artifact_digest}"
        )
        return _plan(view, now, status, kstatus.stalled("DigestMismatch", message), Plan())
    status.metrics, status.signature = proof.metrics, proof.signature
    return _plan(view, now, status, _judged(view, status), Plan())


def _judged(view: View, status: ModelVersionStatus) -> tuple[Condition, ...]:
    """Verified and scored is Ready; Approved is apart."""
    verified = Condition("Verified", True, "Verified", "the artifact's digest and its answers were checked")
    ready = kstatus.ready("Verified", "the artifact was verified and scored on held-out rows")
    if view.model is None:
        # What was judged stays as it is while the Model is away.
        kept = kstatus.find(view.raw, "Approved")
        approved = (
            () if kept is None else (Condition("Approved", kept["status"] == "True", kept["reason"], kept["message"]),)
        )
        return (*ready, verified, *approved)
    status.gates = judge(view.model.spec.gates, status.metrics)
    status.approved = all(gate.passed for gate in status.gates)
    status.judged_generation = view.model.generation
    broken = [f"{gate.name}: {gate.message}" for gate in status.gates if not gate.passed]
    approved = (
        Condition("Approved", False, "GateFailed", "; ".join(broken))
        if broken
        else Condition("Approved", True, "GatesPassed", f"{len(status.gates)} of {len(status.gates)} gates hold"),
    )
    return (*ready, verified, *approved)


def _evaluate(view: View, model: ModelKind, facts: Facts, now: datetime, status: ModelVersionStatus) -> Plan:
    """An imported model is checked and scored by a Job of its own."""
    name = view.version.spec.lineage.dataset_version
    if view.data is None:
        message = f"spec.lineage.datasetVersion: there is no DatasetVersion {name!r}; apply its Dataset"
        return _plan(view, now, status, kstatus.reconciling("DatasetVersionNotFound", message), Plan())
    if view.job is None:
        status.job = children.job_name(view.version)
        made = Create(JOBS, children.evaluation_job(view, view.data, model.spec.task))
        waits = kstatus.reconciling("Evaluating", f"Job {status.job} scores the model on {name}")
        return _plan(view, now, status, waits, Plan(writes=(made,)))
    look = jobs.look_at_pods(view.job, now)
    if look is not None and look <= now:
        meta = view.job["metadata"]
        pods = PodsOf(meta["namespace"], meta["name"], meta["uid"])
        if pods not in facts:
            return Plan(needs=(pods,))
        seen = facts[pods] if not isinstance(facts[pods], Unavailable) else []
        trouble = failures.waiting(seen)
        if trouble:
            stalls = kstatus.stalled(trouble.reason, trouble.message)
            return _plan(view, now, status, stalls, Plan(after=now + RETRY))
        look = now + RETRY
    waits = kstatus.reconciling("Evaluating", f"Job {view.job['metadata']['name']} scores the model on {name}")
    return _plan(view, now, status, waits, Plan(after=look))


def _failed(view: View, facts: Facts, now: datetime, status: ModelVersionStatus, found: results.Result | None) -> Plan:
    assert view.job is not None
    meta = view.job["metadata"]
    pods = PodsOf(meta["namespace"], meta["name"], meta["uid"])
    if pods not in facts:
        return Plan(needs=(Result(children.result_uri(view.version)), pods))
    seen = facts[pods] if not isinstance(facts[pods], Unavailable) else []
    trouble = failures.of_job(view.job, seen, found if isinstance(found, results.Failed) else None)
    return _plan(view, now, status, kstatus.stalled(trouble.reason, trouble.message), Plan())


def _aliases(view: View) -> list[str]:
    if view.model is None:
        return view.version.status.aliases
    number = view.version.spec.number
    return [alias.name for alias in view.model.status.aliases if alias.version == number]


def _plan(view: View, now: datetime, status: ModelVersionStatus, wanted: tuple[Condition, ...], plan: Plan) -> Plan:
    status.observed_generation = view.version.generation
    wire = status.wire()
    previous = (view.raw.get("status") or {}).get("conditions") or ()
    wire["conditions"] = conditions(wanted, previous, view.version.generation, now)
    return replace(plan, status=wire)
