"""Decides what a PipelineSource needs next: a pure function of its view.

The ref is looked up by a Job, again and again. A new commit is one more Job, which fetches, builds, tests and pushes.
While that runs, nobody looks; a ref is a level, so the look after it sees what has come meanwhile.
"""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Create, Facts, Plan
from modelyard.engine.resource import JOBS
from modelyard.kinds.pipelinesource import children
from modelyard.kinds.pipelinesource.conditions import standing, suspended, with_parts
from modelyard.kinds.pipelinesource.deliver import Deliveries, deliver
from modelyard.kinds.pipelinesource.observe import View
from modelyard.kinds.pipelinesource.outcome import looked, unbuilt, verdict
from modelyard.kinds.pipelinesource.schedule import next_look
from modelyard.workload.conclude import Step, Waits, conclude
from modelyard.workload.run import cleanup
from modelyard.workload.run.cleanup import is_over, old, stale
from modelyard.workload.run.conditions import pod_pending, progressing
from modelyard.workload.run.follow import follow
from modelyard.workload.run.states import Absent, Broken, Ended, Held
from modelyard_api.kinds.pipelinesource import Built, Look, PipelineSourceStatus


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = view.source.status.model_copy(deep=True)
    try:
        step = _step(view, facts, now, status)
    except Waits as waits:
        step = waits.step(status)
    return conclude(view.raw, with_parts(step), now)


def _step(view: View, facts: Facts, now: datetime, status: PipelineSourceStatus) -> Step:
    build = status.build
    if view.source.spec.suspend:
        writes = cleanup.suspended(view.jobs, status.job, children.policy(view.source))
        ended = [job for job in view.jobs if is_over(job)]
        return Step(status, suspended(), (*writes, *old(ended, _kept(view, build))))
    if build and build.passed is None and build.key == children.key(view, build.commit):
        due = build.retry_time is None or parse_time(build.retry_time) <= now
        if due or view.job(children.build_name(view, build.key, build.tries)):
            return _build(view, facts, now, status, build)
    job = view.job(children.look_name(view.source))
    # A look that has ended within a second of the one before has its name, and is not followed again.
    if next_look(view.source, status) <= now or (job is not None and not is_over(job)):
        return _look(view, facts, now, status)
    if status.commit and (build is None or build.key != children.key(view, status.commit)):
        status.build = Built(commit=status.commit, key=children.key(view, status.commit))
        return _build(view, facts, now, status, status.build)
    return _rest(view, facts, now, status)


def _rest(view: View, facts: Facts, now: datetime, status: PipelineSourceStatus) -> Step:
    """Delivers a commit that has passed, and waits for the next look."""
    build, due = status.build, next_look(view.source, status)
    done = Deliveries(status.targets)
    if build and build.passed:
        done = deliver(view, facts, now, status, build)
        status.targets = done.targets
    if build and build.retry_time:
        due = min(due, parse_time(build.retry_time))
    writes = (*done.writes, *old(view.jobs, _kept(view, build)))
    return Step(status, standing(status), writes, min(due, done.after or due), done.notes)


def _kept(view: View, build: Built | None) -> str:
    """Returns the name of the Job of the newest commit, whose log may be read as long as there is no newer one."""
    return children.build_name(view, build.key, build.tries) if build else ""


def _look(view: View, facts: Facts, now: datetime, status: PipelineSourceStatus) -> Step:
    name = children.look_name(view.source)
    _names(status, name)
    try:
        state = follow(children.run(view, name), view.job(name), facts, now)
    except Waits as waits:
        # Neither a look nor what holds it up makes a delivered commit unready.
        status.look = Look(succeeded=False, reason=waits.reason, message=str(waits.message)[:1000])
        return Step(status, standing(status), after=waits.after)
    match state:
        case Absent():
            cleanup.forget(facts, children.looks(view), lambda earlier: children.run(view, earlier).result_uri)
            create = Create(JOBS, children.look_job(view, name))
            return Step(status, standing(status), (*stale(view.jobs, name), create))
        case Held(writes):
            return Step(status, suspended(), writes)
        case Ended(_, result):
            return looked(view, status, now, result)
        case Broken(_, trouble):
            return looked(view, status, now, trouble)
        case _:
            status.attempts = state.attempts
            if (held := state.trouble) is not None:
                # Beside what was delivered, which keeps Ready, only Fetched can say what holds the look up.
                status.look = Look(succeeded=False, reason=held.reason, message=held.message[:1000])
            return Step(status, standing(status), (*state.writes, *stale(view.jobs, name)), state.after)


def _build(view: View, facts: Facts, now: datetime, status: PipelineSourceStatus, build: Built) -> Step:
    name = children.build_name(view, build.key, build.tries)
    _names(status, name)
    match follow(children.run(view, name), view.job(name), facts, now):
        case Absent():
            build.retry_time = None
            job = children.build_job(view, name, build.commit, build.key)
            return Step(status, pod_pending(name), (*stale(view.jobs, name), Create(JOBS, job)))
        case Held(writes):
            return Step(status, suspended(), writes)
        case Ended(_, result):
            return verdict(view, status, build, now, result)
        case Broken(_, trouble, by_program):
            return unbuilt(view, status, build, now, trouble, by_program)
        case state:
            status.attempts = state.attempts
            conditions = progressing(state, name, "Building", f"Job {name} tests and bundles {build.commit[:12]}")
            return Step(status, conditions, (*state.writes, *stale(view.jobs, name)), state.after)


def _names(status: PipelineSourceStatus, name: str) -> None:
    if status.job != name:
        status.job, status.attempts = name, 0
