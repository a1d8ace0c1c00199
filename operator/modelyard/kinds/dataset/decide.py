"""What a Dataset needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, conditions, timestamp
from modelyard.engine.plan import Create, Delete, Facts, Fetch, Note, Patch, Plan, PodsOf, Result, Unavailable
from modelyard.engine.resource import CLAIMS, CONFIG_MAPS, DATASET_VERSIONS, JOBS, Object
from modelyard.kinds.dataset import children
from modelyard.kinds.dataset.observe import View
from modelyard.kinds.dataset.schedule import duration, next_check
from modelyard.workload import failures, jobs
from modelyard.workload.failures import Trouble
from modelyard.workload.jobs import JobPhase
from modelyard_api import result as results
from modelyard_api.dataset import Dataset, DatasetStatus

RESULT: TypeAdapter[results.Result] = TypeAdapter(results.Result)
RETRY = timedelta(seconds=10)


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    dataset = view.dataset
    status = dataset.status.model_copy(update={"versions": len(view.versions)})
    if dataset.spec.suspend:
        suspending = tuple(_set_suspend(job, True) for job in view.jobs if jobs.phase(job) is JobPhase.ACTIVE)
        message = "spec.suspend is true: nobody looks for new data; set it to false to go on"
        return _plan(view, now, status, kstatus.suspended(message), Plan(writes=suspending))
    current = next((job for job in view.jobs if job["metadata"]["name"] == dataset.status.job), None)
    if current is not None and dataset.status.job != children.job_name(dataset):
        # It reads what an older spec said: start over.
        meta = current["metadata"]
        stop = Delete(JOBS, meta["namespace"], meta["name"], meta["uid"])
        status.job = None
        return _plan(view, now, status, kstatus.reconciling("Checking", "the spec has changed"), Plan(writes=(stop,)))
    if current is not None:
        return _follow(view, facts, now, status, current)
    due = next_check(dataset)
    if due is None or due > now:
        return _plan(view, now, status, _standing(view, status), Plan(after=due, writes=_old_jobs(view)))
    return _look(view, facts, now, status)


def _look(view: View, facts: Facts, now: datetime, status: DatasetStatus) -> Plan:
    """Start an ingest Job, after its name was written down and its source was seen."""
    dataset, source = view.dataset, view.dataset.spec.source
    if source.config_map:
        need = Fetch(CONFIG_MAPS, dataset.namespace, source.config_map.name)
    else:
        assert source.volume is not None
        need = Fetch(CLAIMS, dataset.namespace, source.volume.claim_name)
    if need not in facts:
        return Plan(needs=(need,))
    found = facts[need]
    if isinstance(found, Unavailable):
        return _plan(
            view, now, status, kstatus.reconciling("SourceUnavailable", found.message), Plan(after=now + RETRY)
        )
    missing = _missing(view, found)
    if missing:
        return _trouble(view, now, status, missing, Plan(after=now + RETRY))
    read = f"{found['metadata']['uid']}/{found['metadata']['resourceVersion']}" if source.config_map and found else None
    if read and read == status.source_version and status.checked_generation == dataset.generation:
        # The very ConfigMap that was read last time: no pod needed to know that nothing is new.
        every = duration(dataset.spec.check_every or "1h")
        return _plan(view, now, status, _standing(view, status), Plan(after=now + every, writes=_old_jobs(view)))
    name = children.job_name(dataset)
    if dataset.status.job != name:
        status.job = name
        status.source_version = read
        return _plan(view, now, status, kstatus.reconciling("Checking", "an ingest Job is being made"), Plan())
    made = Create(JOBS, children.ingest_job(view))
    return _plan(
        view, now, status, kstatus.reconciling("Checking", f"Job {name} reads the source"), Plan(writes=(made,))
    )


def _missing(view: View, found: Object | None) -> Trouble | None:
    source = view.dataset.spec.source
    where = f"namespace {view.dataset.namespace!r}"
    if source.config_map and found is None:
        message = f"spec.source.configMap.name: there is no ConfigMap {source.config_map.name!r} in {where}; apply it"
        return Trouble("SourceNotFound", message)
    if source.config_map and found is not None:
        keys = sorted({**(found.get("data") or {}), **(found.get("binaryData") or {})})
        if source.config_map.key not in keys:
            message = (
                f"spec.source.configMap.key: ConfigMap {source.config_map.name!r} has no key "
                f"{source.config_map.key!r}; it has {', '.join(keys[:20]) or 'none'}"
            )
            return Trouble("SourceNotFound", message)
    if source.volume and found is None:
        message = (
            f"spec.source.volume.claimName: there is no PersistentVolumeClaim {source.volume.claim_name!r} in {where}; "
            "apply it"
        )
        return Trouble("SourceNotFound", message)
    return None


def _follow(view: View, facts: Facts, now: datetime, status: DatasetStatus, job: Object) -> Plan:
    phase = jobs.phase(job)
    meta = job["metadata"]
    if phase in (JobPhase.ACTIVE, JobPhase.SUSPENDED):
        resume = (_set_suspend(job, False),) if phase is JobPhase.SUSPENDED else ()
        look = jobs.look_at_pods(job, now)
        if look is None or look > now:
            message = f"Job {meta['name']} reads the source"
            return _plan(view, now, status, kstatus.reconciling("Checking", message), Plan(after=look, writes=resume))
        pods = PodsOf(meta["namespace"], meta["name"], meta["uid"])
        if pods not in facts:
            return Plan(needs=(pods,))
        seen = facts[pods] if not isinstance(facts[pods], Unavailable) else []
        trouble = failures.waiting(seen)
        if trouble:
            return _trouble(view, now, status, trouble, Plan(after=now + RETRY, writes=resume))
        waits = kstatus.reconciling("PodPending", f"waiting for the pod of Job {meta['name']}")
        return _plan(view, now, status, waits, Plan(after=now + RETRY, writes=resume))
    need = Result(children.result_uri(view.dataset, meta["name"]))
    if need not in facts:
        return Plan(needs=(need,))
    if isinstance(facts[need], Unavailable):
        waits = kstatus.reconciling("ArtifactStoreUnavailable", facts[need].message)
        return _plan(view, now, status, waits, Plan(after=now + RETRY))
    found = RESULT.validate_python(facts[need]) if facts[need] is not None else None
    if isinstance(found, results.IngestResult):
        return _ingested(view, now, status, found)
    wrote = found if isinstance(found, results.Failed) else None
    if phase is JobPhase.COMPLETE:
        trouble = Trouble("ResultMissing", f"Job {meta['name']} left no result; see its log")
    else:
        pods = PodsOf(meta["namespace"], meta["name"], meta["uid"])
        if pods not in facts:
            return Plan(needs=(need, pods))
        seen = facts[pods] if not isinstance(facts[pods], Unavailable) else []
        trouble = failures.of_job(job, seen, wrote)
    _checked(view, status, now)
    return _trouble(view, now, status, trouble, Plan(after=next_check(_as_of(view, status))))


def _ingested(view: View, now: datetime, status: DatasetStatus, found: results.IngestResult) -> Plan:
    """Make the version that was found, wait for its verdict, then point at it."""
    name = children.version_name(view.dataset, found)
    version = next((item for item in view.versions if item["metadata"]["name"] == name), None)
    if version is None:
        made = Create(DATASET_VERSIONS, children.dataset_version(view, found))
        return _plan(view, now, status, kstatus.reconciling("Checking", f"making {name}"), Plan(writes=(made,)))
    accepted = (version.get("status") or {}).get("accepted")
    if accepted is None:
        return _plan(view, now, status, kstatus.reconciling("Checking", f"waiting for {name} to be judged"), Plan())
    _checked(view, status, now)
    if not accepted:
        broken = "; ".join(f"{v.column or 'table'}: {v.rule}, found {v.found}" for v in found.violations[:3])
        message = f"{name} breaks spec.validation: {broken}; correct the data or the rules"
        after = next_check(_as_of(view, status))
        return _trouble(view, now, status, Trouble("ValidationFailed", message), Plan(after=after))
    news = status.latest != name
    status.latest, status.accepted_generation = name, view.dataset.generation
    note = Note("NewVersion", f"{name}: {found.rows} rows, {len(found.columns)} columns")
    after = next_check(_as_of(view, status))
    return _plan(view, now, status, _standing(view, status), Plan(after=after, notes=(note,) if news else ()))


def _checked(view: View, status: DatasetStatus, now: datetime) -> None:
    status.last_check_time = timestamp(now)
    status.checked_generation = view.dataset.generation
    status.job = None


def _standing(view: View, status: DatasetStatus) -> tuple[Condition, ...]:
    """What is said between looks."""
    if status.latest and status.accepted_generation == view.dataset.generation:
        return kstatus.ready("VersionAccepted", f"{status.latest} is the latest accepted version")
    before = kstatus.find(view.raw, "Ready")
    if before and before.get("observedGeneration") == view.dataset.generation:
        return kstatus.stalled(before["reason"], before["message"])
    return kstatus.reconciling("Checking", "the source is about to be read")


def _trouble(view: View, now: datetime, status: DatasetStatus, trouble: Trouble, plan: Plan) -> Plan:
    """A look that failed: Ready stays True while this generation has an accepted version."""
    checked = Condition("SourceReadable", False, trouble.reason, trouble.message)
    base = kstatus.stalled(trouble.reason, trouble.message)
    if status.latest and status.accepted_generation == view.dataset.generation:
        base = kstatus.ready("VersionAccepted", f"{status.latest} is the latest accepted version")
    before = kstatus.find(view.raw, "SourceReadable")
    news = before is None or before["message"] != trouble.message
    notes = (Note(trouble.reason, trouble.message, "Warning"),) if news else ()
    return _plan(view, now, status, (*base, checked), replace(plan, notes=notes))


def _plan(view: View, now: datetime, status: DatasetStatus, wanted: tuple[Condition, ...], plan: Plan) -> Plan:
    has_version = status.latest and status.accepted_generation == view.dataset.generation
    if has_version and wanted[0].reason in ("Checking", "PodPending", "ArtifactStoreUnavailable", "SourceUnavailable"):
        # A look for newer data takes nothing away from the version that is there.
        wanted = kstatus.ready("VersionAccepted", f"{status.latest} is the latest accepted version")
    if not any(item.type == "SourceReadable" for item in wanted):
        kept = kstatus.find(view.raw, "SourceReadable")
        if kept and status.last_check_time == view.dataset.status.last_check_time:
            wanted = (*wanted, Condition("SourceReadable", kept["status"] == "True", kept["reason"], kept["message"]))
        elif status.last_check_time:
            wanted = (*wanted, Condition("SourceReadable", True, "Read", "the source was read to its end"))
    status.observed_generation = view.dataset.generation
    wire = status.wire()
    previous = (view.raw.get("status") or {}).get("conditions") or ()
    wire["conditions"] = conditions(wanted, previous, view.dataset.generation, now)
    return replace(plan, status=wire)


def _as_of(view: View, status: DatasetStatus) -> Dataset:
    return view.dataset.model_copy(update={"status": status})


def _set_suspend(job: Object, suspend: bool) -> Patch:
    meta = job["metadata"]
    return Patch(JOBS, meta["namespace"], meta["name"], meta["uid"], {"spec": {"suspend": suspend}})


def _old_jobs(view: View) -> tuple[Delete, ...]:
    """All finished ingest Jobs but the newest, whose log may still be read."""
    finished = sorted(
        (job for job in view.jobs if jobs.phase(job) in (JobPhase.COMPLETE, JobPhase.FAILED)),
        key=lambda job: str(job["metadata"].get("creationTimestamp")),
    )
    return tuple(
        Delete(JOBS, job["metadata"]["namespace"], job["metadata"]["name"], job["metadata"]["uid"])
        for job in finished[:-1]
    )
