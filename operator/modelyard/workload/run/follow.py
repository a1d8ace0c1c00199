"""Follows a Job to its end: pure functions from the Job, its pods and their result to the state of the run."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.plan import Facts, PodsOf
from modelyard.engine.resource import Object
from modelyard.workload.conclude import RETRY, Trouble, Waits, read
from modelyard.workload.run import failures, jobs, lost, progress
from modelyard.workload.run.jobs import JobPhase
from modelyard.workload.run.results import read_result
from modelyard.workload.run.run import R, Run
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Lost, Running, Starting, State
from modelyard_api.wire import result as results


def follow(run: Run[R], job: Object | None, facts: Facts, now: datetime) -> State[R]:
    """Returns the state of the run. An ended Job counts even if the policy suspends it. Raises Missing and Waits."""
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
    """Returns the result that this run has already written, or None. Raises Missing and Waits.

    The result's URI holds the run's uid, so work isn't repeated after a status or Job was lost. A result of the user's
    own container never counts here, because it needs a Job that succeeded.
    """
    if run.is_own_container:
        return None
    result = result_of(run, facts, now)
    return result if isinstance(result, run.expects) else None


def result_of(run: Run[R], facts: Facts, now: datetime, lasts: bool = False) -> R | results.Failed | None:
    """Returns the run's result, or None if there is none of an expected type. Raises Missing and Waits.

    It lasts only once a Job is complete: before, another pod may follow, and write another one.
    """
    result = read_result(facts, run.result_uri, now, lasts)
    return result if isinstance(result, run.expects | results.Failed) else None


def _unfinished(run: Run[R], job: Object, facts: Facts, now: datetime) -> Starting | Running | Lost:
    writes, attempts = jobs.adjust(job, run.policy), max(jobs.attempts(job), run.attempts)
    if not writes and jobs.is_past_deadline(job, now):
        return Running(attempts, failures.past_deadline(job, run.grace_seconds, run.fields))
    pods = progress.inspect(job, facts, now, run.fields)
    # A pod is no longer ready as soon as its main container has ended, while a helper still collects the output.
    has_just_ended = run.was_running and pods.trouble is None and not jobs.was_interrupted(job)
    if pods.runs or has_just_ended:
        return Running(attempts, None, writes, _earliest(pods.after, jobs.deadline(job)), pods.trouble)
    if pods.lost and pods.trouble:
        return lost.give_up(run, job, pods.trouble, jobs.failed_attempts(job), now)
    after = _earliest(pods.after, jobs.deadline(job))
    return Starting(attempts, pods.trouble, pods.stalled, writes, after)


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _complete(run: Run[R], job: Object, facts: Facts, now: datetime) -> Ended[R] | Broken | Lost:
    result, attempts = result_of(run, facts, now, lasts=True), _counted_attempts(run, job, last=1)
    if isinstance(result, results.Failed):
        return Broken(attempts, Trouble(result.error.reason, result.error.message), by_program=True)
    if result is not None:
        return Ended(attempts, result)
    name = job["metadata"]["name"]
    advice = f", and {run.try_again}" if run.try_again else ""
    message = f"Job {name} ended well but left no result at {run.result_uri}; see kubectl logs job/{name}{advice}"
    missing = Trouble("ResultMissing", message)
    if not run.is_own_container:
        return Broken(attempts, missing)
    # The user's container succeeded but our helper after it failed. The Job doesn't retry then, so replace it.
    trouble = failures.ended(_pods(job, facts, now), run.fields) or missing
    left = 1 + run.policy.backoff_limit - attempts
    if left <= 0:
        return Broken(attempts, trouble)
    message = f"{trouble.message}; it is tried again by itself, attempts left: {left}"
    return lost.give_up(run, job, Trouble(trouble.reason, message), attempts, now)


def _failed(run: Run[R], job: Object, facts: Facts, now: datetime) -> Ended[R] | Broken | Starting | Lost:
    """Returns the end of a failed Job. The run still succeeded if the pod was lost after it had written its result."""
    result, attempts = result_of(run, facts, now), _counted_attempts(run, job, last=0)
    failed = result if isinstance(result, results.Failed) else None
    if result is not None and failed is None and not run.is_own_container:
        assert isinstance(result, run.expects)
        return Ended(attempts, result)
    pods = _pods(job, facts, now)
    if again := _after_refusal(run, job, pods, now):
        return again
    return Broken(attempts, failures.of_job(job, pods, failed, run.fields), by_program=failed is not None)


def _after_refusal(run: Run[R], job: Object, pods: list[Object], now: datetime) -> Starting | Lost | None:
    """Returns how a run goes on whose Job counted pods that their nodes refused, or None if no attempt is left.

    Its next Job waits a little, because the scheduler may choose the same node again.
    """
    refused = jobs.refused(job, pods)
    attempts = max(jobs.failed_attempts(job) - refused, 0)
    left = 1 + run.policy.backoff_limit - attempts
    trouble = failures.ended(pods, run.fields)
    if not refused or left <= 0 or trouble is None or jobs.failure(job)[0] != "BackoffLimitExceeded":
        return None
    trouble = Trouble(trouble.reason, f"{trouble.message}; it is tried again by itself, attempts left: {left}")
    next_at = (jobs.failed_at(job) or now) + RETRY
    if now < next_at:
        return Starting(attempts, trouble, after=next_at)
    return lost.give_up(run, job, trouble, attempts, now)


def _counted_attempts(run: Run[R], job: Object, last: int) -> int:
    """Returns the number of attempts. ``last`` is 1 for a complete Job, which may not have counted its last pod yet."""
    return max(jobs.attempts(job), jobs.failed_attempts(job) + last, run.attempts)


def _pods(job: Object, facts: Facts, now: datetime) -> list[Object]:
    """Returns the Job's pods. Raises Waits if they can't be read: a final verdict without them would be a guess."""
    meta = job["metadata"]
    try:
        pods: list[Object] = read(
            facts, PodsOf(meta["namespace"], meta["name"], meta["uid"]), "PodsUnavailable", now + RETRY
        )
    except Waits as waits:
        message = f"the pods of Job {meta['name']} can't be read now: {waits.message}"
        raise Waits(waits.reason, message, waits.after) from waits
    return pods
