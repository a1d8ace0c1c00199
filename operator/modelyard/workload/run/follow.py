"""Follows a Job to its end: a pure function from the Job, and facts about its pods and their result, to a state."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.plan import Facts, PodsOf
from modelyard.engine.resource import Object
from modelyard.workload import failures
from modelyard.workload.conclude import RETRY, Waits, read
from modelyard.workload.failures import Trouble
from modelyard.workload.run import jobs, lost, progress
from modelyard.workload.run.jobs import JobPhase
from modelyard.workload.run.results import read_result
from modelyard.workload.run.run import R, Run
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Lost, Running, Starting, State
from modelyard_api.wire import result as results


def follow(run: Run[R], job: Object | None, facts: Facts, now: datetime) -> State[R]:
    """Where the run is. A Job that has ended counts though the policy suspends it. Raises Missing and Waits."""
    if job is None:
        return Held() if run.policy.suspend else Absent()
    match jobs.phase(job):
        case JobPhase.COMPLETE:
            return _complete(run, job, facts, now)
        case JobPhase.FAILED:
            return _failed(run, job, facts, now)
    writes = jobs.adjust(job, run.policy)
    return Held(writes) if run.policy.suspend else _unfinished(run, job, facts, now)


def earlier(run: Run[R], facts: Facts, now: datetime) -> R | None:
    """What this very run, by the uid in its address, has left before; a lost status or Job is no reason to do it
    again. Of a user's own container nothing counts without the Job that ended well. Raises Missing and Waits."""
    if run.is_own_container:
        return None
    found = result_of(run, facts, now)
    return found if isinstance(found, run.expects) else None


def result_of(run: Run[R], facts: Facts, now: datetime) -> R | results.Failed | None:
    """The document in the store; None: there is none of the type that is expected. Raises Missing and Waits."""
    found = read_result(facts, run.result_uri, now)
    return found if isinstance(found, run.expects | results.Failed) else None


def _unfinished(run: Run[R], job: Object, facts: Facts, now: datetime) -> Starting | Running | Lost:
    pods = progress.inspect(job, facts, now, run.fields)
    writes, attempts = jobs.adjust(job, run.policy), max(jobs.attempts(job), run.attempts)
    if pods.runs:
        return Running(attempts, writes, pods.after)
    if pods.lost and pods.trouble:
        return lost.give_up(run, job, pods.trouble, jobs.failed_attempts(job), now)
    return Starting(attempts, pods.trouble, pods.stalled, writes, pods.after)


def _complete(run: Run[R], job: Object, facts: Facts, now: datetime) -> Ended[R] | Broken | Lost:
    found, attempts = result_of(run, facts, now), _counted(run, job, last=1)
    if isinstance(found, results.Failed):
        return Broken(attempts, Trouble(found.error.reason, found.error.message), by_program=True)
    if found is not None:
        return Ended(attempts, found)
    name = job["metadata"]["name"]
    end = f", and {run.try_again}" if run.try_again else ""
    message = f"Job {name} ended well but left no result at {run.result_uri}; see kubectl logs job/{name}{end}"
    missing = Trouble("ResultMissing", message)
    if not run.is_own_container:
        return Broken(attempts, missing)
    # The user's container ended well, but our helper after it did not: nothing of that makes a Job try again.
    trouble = failures.ended(_pods(job, facts, now), run.fields) or missing
    left = 1 + run.policy.backoff_limit - attempts
    if left <= 0:
        return Broken(attempts, trouble)
    message = f"{trouble.message}; it is tried again by itself, attempts left: {left}"
    return lost.give_up(run, job, Trouble(trouble.reason, message), attempts, now)


def _failed(run: Run[R], job: Object, facts: Facts, now: datetime) -> Ended[R] | Broken:
    """It has ended well all the same where the pod was lost only after it had written its result."""
    found, attempts = result_of(run, facts, now), _counted(run, job, last=0)
    told = found if isinstance(found, results.Failed) else None
    if found is not None and told is None and not run.is_own_container:
        assert isinstance(found, run.expects)
        return Ended(attempts, found)
    return Broken(attempts, failures.of_job(job, _pods(job, facts, now), told, run.fields), by_program=told is not None)


def _counted(run: Run[R], job: Object, last: int) -> int:
    """The last attempt may have ended before it was seen; a Job is complete before it has counted its last pod."""
    return max(jobs.attempts(job), jobs.failed_attempts(job) + last, run.attempts)


def _pods(job: Object, facts: Facts, now: datetime) -> list[Object]:
    """The Job's pods. Raises Waits where they can't be read: a verdict without them would be a guess, and for good."""
    meta = job["metadata"]
    try:
        found: list[Object] = read(
            facts, PodsOf(meta["namespace"], meta["name"], meta["uid"]), "PodsUnavailable", now + RETRY
        )
    except Waits as waits:
        message = f"the pods of Job {meta['name']} can't be read now: {waits.message}"
        raise Waits(waits.reason, message, waits.after) from waits
    return found
