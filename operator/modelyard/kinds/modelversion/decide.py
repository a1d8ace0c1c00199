"""What a ModelVersion needs next: verified first, then judged by the Model's gates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, conditions
from modelyard.engine.plan import Create, Delete, Facts, Patch, Plan, PodsOf, Result, Unavailable
from modelyard.engine.resource import JOBS, MODEL_VERSIONS, Object
from modelyard.kinds.modelversion import children
from modelyard.kinds.modelversion.gates import judge
from modelyard.kinds.modelversion.observe import View
from modelyard.workload import failures
from modelyard.workload.names import controller_uid, owner_reference
from modelyard.workload.run import jobs, progress
from modelyard.workload.run.jobs import JobPhase
from modelyard.workload.run.results import parse
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersionStatus
from modelyard_api.wire import result as results

RETRY, RARELY = timedelta(seconds=10), timedelta(minutes=1)
Proof = results.TrainResult | results.EvaluateResult


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    plan = _decide(view, facts, now)
    return plan if plan.needs else replace(plan, writes=(*_adoption(view), *plan.writes))


def _decide(view: View, facts: Facts, now: datetime) -> Plan:
    status = view.version.status.model_copy()
    status.aliases = _aliases(view)
    if kstatus.holds(view.raw, "Verified"):
        return _plan(view, now, status, _judged(view, status), Plan())
    if view.model is None:
        name = view.version.spec.model_ref.name
        message = f"spec.modelRef.name: there is no Model {name!r}; apply it"
        return _plan(view, now, status, kstatus.reconciling("ModelNotFound", message), Plan())
    imported = view.version.spec.lineage.training_run is None
    if imported and view.job and jobs.phase(view.job) in (JobPhase.ACTIVE, JobPhase.SUSPENDED):
        return _follow(view, view.job, facts, now, status)
    # First what is there already: a Job that was deleted, or a status that was lost, is no reason to score anew.
    need = Result(children.result_uri(view.version))
    if need not in facts:
        return Plan(needs=(need,))
    if isinstance(facts[need], Unavailable):
        waits = kstatus.reconciling("ArtifactStoreUnavailable", facts[need].message)
        return _plan(view, now, status, waits, Plan(after=now + RETRY))
    found = parse(facts[need], need.uri)
    if isinstance(found, results.TrainResult | results.EvaluateResult):
        if imported:
            # Also where the Job was done before a status could say that it runs.
            status.job = children.job_name(view.version)
        return _verified(view, now, status, found)
    if imported and view.job:
        return _failed(view, view.job, facts, now, status, found)
    if imported:
        return _evaluate(view, view.model, now, status)
    message = f"spec.artifact.uri: there is no result at {need.uri}; only a finished run or an import makes a version"
    return _plan(view, now, status, kstatus.stalled("ArtifactMissing", message), Plan(after=now + RARELY))


def _adoption(view: View) -> tuple[Patch, ...]:
    """An imported version becomes its Model's, as those that runs have made are: it goes when the Model goes."""
    if view.model is None or controller_uid(view.raw):
        return ()
    owner = owner_reference("Model", view.model.name, view.model.uid)
    others = view.raw["metadata"].get("ownerReferences") or []
    body = {"metadata": {"ownerReferences": [*others, owner]}}
    return (Patch(MODEL_VERSIONS, view.version.namespace, view.version.name, view.version.uid, body),)


def _verified(view: View, now: datetime, status: ModelVersionStatus, proof: Proof) -> Plan:
    spec = view.version.spec
    if proof.artifact_digest != spec.artifact.digest:
        message = (
            f"spec.artifact.digest: {spec.artifact.digest} is not the digest of what was checked, "
            f"{proof.artifact_digest}; import the model again with that digest"
        )
        return _plan(view, now, status, kstatus.stalled("DigestMismatch", message), Plan())
    if proof.artifact_format != spec.artifact.format:
        message = (
            f"spec.artifact.format: it says {spec.artifact.format}, but the artifact is {proof.artifact_format}; "
            f"import the model again with format: {proof.artifact_format}"
        )
        return _plan(view, now, status, kstatus.stalled("FormatMismatch", message), Plan())
    if spec.signature and spec.signature != proof.signature:
        message = "spec.signature: it is not the artifact's own; import the model again without it"
        return _plan(view, now, status, kstatus.stalled("SignatureMismatch", message), Plan())
    # A wide model's signature is long: once is enough.
    status.metrics, status.signature = proof.metrics, None if spec.signature else proof.signature
    return _plan(view, now, status, _judged(view, status), Plan())


def _judged(view: View, status: ModelVersionStatus) -> tuple[Condition, ...]:
    """Verified and scored is Ready; Approved is apart."""
    verified = _verified_condition(view)
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


def _verified_condition(view: View) -> Condition:
    artifact, message = view.version.spec.artifact, "the artifact's digest and its answers were checked"
    if artifact.format == "Skops":
        why = f": {artifact.format_reason}" if artifact.format_reason else ""
        message += f"; it is stored as skops, and scikit-learn serves it{why}"
    return Condition("Verified", True, "Verified", message)


def _evaluate(view: View, model: ModelKind, now: datetime, status: ModelVersionStatus) -> Plan:
    """An imported model is checked and scored by a Job of its own."""
    name = view.version.spec.lineage.dataset_version
    if view.data is None:
        message = f"spec.lineage.datasetVersion: there is no DatasetVersion {name!r}; apply its Dataset"
        return _plan(view, now, status, kstatus.reconciling("DatasetVersionNotFound", message), Plan())
    job = children.evaluation_job(view, view.data, model.spec.task)
    if too_large := jobs.task_too_large(job):
        message = f"spec.lineage.datasetVersion: the columns of {name} {too_large}; score it on a smaller one"
        return _plan(view, now, status, kstatus.stalled("SpecTooLarge", message), Plan())
    status.job = children.job_name(view.version)
    waits = kstatus.reconciling("Evaluating", f"Job {status.job} scores the model on {name}")
    return _plan(view, now, status, waits, Plan(writes=(Create(JOBS, job),)))


def _follow(view: View, job: Object, facts: Facts, now: datetime, status: ModelVersionStatus) -> Plan:
    status.job = job["metadata"]["name"]
    found = progress.look(job, facts, now, failures.INSTALLATION)
    if not isinstance(found, progress.Look):
        return Plan(needs=(found,))
    gone = (Delete.of(JOBS, job),)
    plan = Plan(after=found.after, writes=gone if found.lost else jobs.adjust(job, children.POLICY))
    if found.trouble:
        say = kstatus.stalled if found.stalled else kstatus.reconciling
        return _plan(view, now, status, say(found.trouble.reason, found.trouble.message), plan)
    name = view.version.spec.lineage.dataset_version
    waits = kstatus.reconciling("Evaluating", f"Job {status.job} scores the model on {name}")
    return _plan(view, now, status, waits, plan)


def _failed(
    view: View, job: Object, facts: Facts, now: datetime, status: ModelVersionStatus, found: results.Result | None
) -> Plan:
    meta = job["metadata"]
    pods = PodsOf(meta["namespace"], meta["name"], meta["uid"])
    if pods not in facts:
        return Plan(needs=(pods,))
    if isinstance(facts[pods], Unavailable):
        waits = kstatus.reconciling("Evaluating", f"the pods of Job {meta['name']} can't be read now")
        return _plan(view, now, status, waits, Plan(after=now + RETRY))
    said = found if isinstance(found, results.Failed) else None
    if jobs.phase(job) is JobPhase.COMPLETE and said is None:
        message = f"Job {meta['name']} left no result; see its log, and delete it to score the model again"
        return _plan(view, now, status, kstatus.stalled("ResultMissing", message), Plan())
    trouble = failures.of_job(job, facts[pods], said, failures.INSTALLATION)
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
