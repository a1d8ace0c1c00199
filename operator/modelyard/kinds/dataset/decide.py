"""What a Dataset needs next: a pure function of its view."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.plan import Create, Delete, Facts, Patch, Plan, PodsOf, Result, Unavailable
from modelyard.engine.resource import JOBS, Object
from modelyard.kinds.dataset import children, source
from modelyard.kinds.dataset.observe import View
from modelyard.kinds.dataset.outcome import checked, conclude, ingested, standing, trouble
from modelyard.kinds.dataset.schedule import interval, next_check
from modelyard.workload import failures
from modelyard.workload.failures import Trouble
from modelyard.workload.run import jobs, progress
from modelyard.workload.run.jobs import JobPhase
from modelyard.workload.run.results import parse
from modelyard_api.kinds.dataset import DatasetStatus
from modelyard_api.wire import result as results

RETRY = timedelta(seconds=10)


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    status = view.dataset.status.model_copy(update={"versions": len(view.versions)})
    if view.dataset.spec.suspend:
        suspending = tuple(_set_suspend(job, True) for job in view.jobs if jobs.phase(job) is JobPhase.ACTIVE)
        message = "spec.suspend is true: nobody looks for new data; set it to false to go on"
        return conclude(view, now, status, kstatus.suspended(message), Plan(writes=suspending))
    current = next((job for job in view.jobs if job["metadata"]["name"] == status.job), None)
    if current is not None and status.job != children.job_name(view.dataset, status.source_version):
        # It reads what an older spec said: start over.
        status.job = None
        starting = kstatus.reconciling("Checking", "the spec has changed")
        return conclude(view, now, status, starting, Plan(writes=(Delete.of(JOBS, current),)))
    if current is not None:
        return _follow(view, facts, now, status, current)
    if status.latest and status.latest not in {item["metadata"]["name"] for item in view.versions}:
        # Somebody deleted it, so nothing that was said of it holds. What the source holds now is made anew.
        status.latest = status.accepted_generation = status.checked_generation = status.source_version = None
        return conclude(view, now, status, kstatus.reconciling("Checking", "the latest version was deleted"), Plan())
    due = next_check(view.dataset)
    if due is None or due > now:
        return conclude(view, now, status, standing(view, status), Plan(after=due, writes=_old_jobs(view)))
    return _look(view, facts, now, status)


def _look(view: View, facts: Facts, now: datetime, status: DatasetStatus) -> Plan:
    """Start an ingest Job, after its name was written down and its source was seen."""
    dataset, need = view.dataset, source.need(view.dataset)
    if need not in facts:
        return Plan(needs=(need,))
    found = facts[need]
    if isinstance(found, Unavailable):
        waits = kstatus.reconciling("SourceUnavailable", found.message)
        return conclude(view, now, status, waits, Plan(after=now + RETRY))
    missing = source.missing(dataset, found)
    if missing:
        return trouble(view, now, status, missing, Plan(after=now + RETRY))
    read = source.version(dataset, found)
    name = children.job_name(dataset, read)
    if status.job != name:
        if read and read == status.source_version and status.checked_generation == dataset.generation:
            # The very ConfigMap that was read last time: no pod needed to know that nothing is new.
            after = now + interval(dataset) if dataset.spec.check_every else None
            return conclude(view, now, status, standing(view, status), Plan(after=after, writes=_old_jobs(view)))
        status.job, status.source_version = name, read
        return conclude(view, now, status, kstatus.reconciling("Checking", "an ingest Job is being made"), Plan())
    job = children.ingest_job(view)
    if too_large := jobs.task_too_large(job):
        why = Trouble("SpecTooLarge", f"spec.columns: their names and values {too_large}; declare fewer")
        return trouble(view, now, status, why, Plan())
    reads = kstatus.reconciling("Checking", f"Job {name} reads the source")
    return conclude(view, now, status, reads, Plan(writes=(Create(JOBS, job),)))


def _follow(view: View, facts: Facts, now: datetime, status: DatasetStatus, job: Object) -> Plan:
    phase = jobs.phase(job)
    meta = job["metadata"]
    pods = PodsOf(meta["namespace"], meta["name"], meta["uid"])
    if phase in (JobPhase.ACTIVE, JobPhase.SUSPENDED):
        resume = (_set_suspend(job, False),) if phase is JobPhase.SUSPENDED else ()
        found = progress.look(job, facts, now)
        if not isinstance(found, progress.Look):
            return Plan(needs=(found,))
        plan = Plan(after=found.after, writes=(Delete.of(JOBS, job),) if found.lost else resume)
        if found.trouble and found.stalled:
            return trouble(view, now, status, found.trouble, plan)
        waits = kstatus.reconciling("Checking", f"Job {meta['name']} reads the source")
        if not found.runs and not found.early:
            waits = kstatus.reconciling("PodPending", f"waiting for the pod of Job {meta['name']}")
        if found.trouble:
            waits = kstatus.reconciling(found.trouble.reason, found.trouble.message)
        return conclude(view, now, status, waits, plan)
    need = Result(children.result_uri(view.dataset, meta["name"]))
    if need not in facts:
        return Plan(needs=(need,))
    if isinstance(facts[need], Unavailable):
        waits = kstatus.reconciling("ArtifactStoreUnavailable", facts[need].message)
        return conclude(view, now, status, waits, Plan(after=now + RETRY))
    wrote = parse(facts[need], need.uri)
    if isinstance(wrote, results.IngestResult):
        return ingested(view, now, status, wrote)
    said = wrote if isinstance(wrote, results.Failed) else None
    if phase is JobPhase.COMPLETE and said is None:
        why = Trouble("ResultMissing", f"Job {meta['name']} left no result; see its log")
    elif phase is JobPhase.COMPLETE and said is not None:
        why = Trouble(said.error.reason, said.error.message)
    else:
        if pods not in facts:
            return Plan(needs=(pods,))
        if isinstance(facts[pods], Unavailable):
            waits = kstatus.reconciling("PodPending", f"the pods of Job {meta['name']} can't be read now")
            return conclude(view, now, status, waits, Plan(after=now + RETRY))
        why = failures.of_job(job, facts[pods], said)
    if said is None:
        # Not the data's fault, so the same ConfigMap is worth another look.
        status.source_version = None
    return trouble(view, now, status, why, Plan(after=checked(view, status, now)))


def _set_suspend(job: Object, suspend: bool) -> Patch:
    meta = job["metadata"]
    return Patch(JOBS, meta["namespace"], meta["name"], meta["uid"], {"spec": {"suspend": suspend}})


def _old_jobs(view: View) -> tuple[Delete, ...]:
    """Between looks: all ingest Jobs but the newest that has finished, whose log may still be read."""
    over = (JobPhase.COMPLETE, JobPhase.FAILED)
    finished = sorted(
        (job for job in view.jobs if jobs.phase(job) in over),
        key=lambda job: str(job["metadata"].get("creationTimestamp")),
    )
    lost = [job for job in view.jobs if jobs.phase(job) not in over]
    return tuple(Delete.of(JOBS, job) for job in (*finished[:-1], *lost))
