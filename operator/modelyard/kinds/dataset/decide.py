"""Decides what a Dataset needs next: a pure function of its view.

A check of the source is one ingest Job, unless the ConfigMap's uid and resourceVersion show that it is unchanged.
A source that is ``pushed`` is never checked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.plan import Create, Facts, Plan
from modelyard.engine.resource import JOBS
from modelyard.kinds.dataset import children, inputs, listings, pushed, source
from modelyard.kinds.dataset.conditions import has_version, standing, suspended, with_source
from modelyard.kinds.dataset.newest import newest
from modelyard.kinds.dataset.observe import View
from modelyard.kinds.dataset.outcome import failed, found, unreadable
from modelyard.kinds.dataset.progress import INTERVAL, glanced
from modelyard.kinds.dataset.retention import is_idle, retained
from modelyard.kinds.dataset.schedule import interval, next_check
from modelyard.workload.conclude import RETRY, Fails, Step, Trouble, Waits, conclude, read
from modelyard.workload.run import cleanup, jobs
from modelyard.workload.run.cleanup import old, stale
from modelyard.workload.run.conditions import pod_pending, progressing
from modelyard.workload.run.follow import follow
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Running, Starting
from modelyard_api.kinds.dataset import DatasetStatus


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = view.dataset.status.model_copy(update={"versions": len(view.versions)})
    if status.observed_generation != view.dataset.generation:
        status.source = None  # It describes the source of an older spec.
    if status.job is None:
        status.progress = None
    try:
        step = _step(view, facts, now, status)
    except Waits as waits:
        step = waits.step(status)
    except Fails as fails:
        step = unreadable(view, status, fails.trouble, None)
    if is_idle(step):
        step = retained(view, step, facts, now)
    return conclude(view.raw, with_source(view, step), now)


def _step(view: View, facts: Facts, now: datetime, status: DatasetStatus) -> Step:
    if view.dataset.spec.suspend:
        writes = cleanup.suspended(view.jobs, status.job, children.policy(view.dataset))
        return Step(status, suspended(view, status), writes)
    if view.dataset.spec.source.pushed:
        step = pushed.step(view, facts, now, status)
        return replace(step, writes=(*old(view.jobs), *step.writes))
    if view.job(name := children.job_name(view.dataset, status.source_version)):
        return _follow(view, facts, now, status, name)
    if view.dataset.spec.source.arrival == "Append" and view.version(status.latest) is None:
        # Files whose rows were taken may be gone: go on from the newest version that is left.
        left = newest(view)
        if left != status.latest:
            status.latest, status.accepted_generation, status.checked_generation = left, None, None
            return Step(status, kstatus.reconciling("Checking", f"going on from {left or 'nothing'}"))
    elif status.latest and view.version(status.latest) is None:
        # Somebody deleted the latest version: forget it, and make a version of what the source holds now.
        status.latest = status.accepted_generation = status.checked_generation = status.source_version = None
        return Step(status, kstatus.reconciling("Checking", "the latest version was deleted"))
    due = next_check(view.dataset, _current(view))
    if due is None or due > now:
        return Step(status, standing(view, status), old(view.jobs), due)
    return _check(view, facts, now, status)


def _current(view: View) -> str | None:
    """Returns what identifies the versions that a query would read now; None for another source. Raises Waits and
    Fails."""
    return inputs.version_of(inputs.resolve(view)) if view.dataset.spec.source.query else None


def _check(view: View, facts: Facts, now: datetime, status: DatasetStatus) -> Step:
    """Checks that the source exists, and has a Job read it unless it is known to be unchanged."""
    dataset = view.dataset
    need = source.need(dataset)
    source_object = read(facts, need, "SourceUnavailable", now + RETRY) if need else None
    if missing := source.missing(dataset, source_object):
        # A Job that still reads does so for an older spec: nobody would look at its result.
        status.job, status.attempts, status.progress = None, 0, None
        return unreadable(view, status, missing, now + RETRY, old(view.jobs))
    source_version = _current(view) or source.version(dataset, source_object)
    is_unchanged = (
        source_version and source_version == status.source_version and status.checked_generation == dataset.generation
    )
    if is_unchanged and status.job is None:
        # It is the ConfigMap that was read last time, so no pod is needed to know that nothing is new.
        after = now + interval(dataset) if dataset.spec.check_every else None
        return Step(status, standing(view, status), old(view.jobs), after)
    status.source_version = source_version
    return _follow(view, facts, now, status, children.job_name(dataset, source_version))


def _follow(view: View, facts: Facts, now: datetime, status: DatasetStatus, name: str) -> Step:
    """Follows the check whose Job has this name: a digest of what is read, so the same check finds the same Job."""
    if status.job != name:
        status.job, status.attempts, status.progress = name, 0, None
    job = view.job(name)
    reading = ("Checking", f"Job {name} reads the source")
    match state := follow(children.run(view, name), job, facts, now):
        case Absent():
            return _begin(view, facts, status, name)
        case Held(writes):
            return Step(status, suspended(view, status), writes)
        case Ended(_, result):
            listings.forget(view, facts, result)
            return found(view, now, status, result)
        case Broken(_, trouble, by_program):
            if not by_program:
                # The data is not the cause: read the same ConfigMap again at the next check.
                status.source_version = None
            return failed(view, now, status, trouble)
        case Starting(attempts, trouble, stalled, writes, after) if trouble and (stalled or has_version(view, status)):
            # Beside an accepted version, which keeps Ready, only SourceReadable can say what holds the check up.
            status.attempts = attempts
            return unreadable(view, status, trouble, after, writes)
        case Running():
            return _reading(view, facts, now, status, state)
        case _:
            status.attempts = state.attempts
            writes = (*state.writes, *stale(view.jobs, name))
            return Step(status, progressing(state, name, *reading), writes, state.after)


def _reading(view: View, facts: Facts, now: datetime, status: DatasetStatus, state: Running) -> Step:
    """Tells how far a pod is that reads the source."""
    name = status.job or ""
    progress = glanced(children.result_uri(view.dataset, name), view.job(name), facts, now)
    status.attempts, status.progress = state.attempts, progress or status.progress
    message = f"Job {name} reads the source" + (f": {status.progress.message}" if status.progress else "")
    conditions = progressing(state, name, "Checking", message)
    after = min(now + INTERVAL, state.after) if state.after else now + INTERVAL
    return Step(status, conditions, (*state.writes, *stale(view.jobs, name)), after)


def _begin(view: View, facts: Facts, status: DatasetStatus, name: str) -> Step:
    job = children.ingest_job(view, name)
    if too_large := jobs.task_too_large(job):
        status.job, status.attempts, status.progress = None, 0, None
        why = Trouble("SpecTooLarge", f"spec.columns: their names and values {too_large}; declare fewer")
        return unreadable(view, status, why, None, stale(view.jobs, name))
    cleanup.forget(facts, view.jobs, lambda earlier: children.result_uri(view.dataset, earlier))
    return Step(status, pod_pending(name), (*stale(view.jobs, name), Create(JOBS, job)))
