"""Inspects the pods of an unfinished Job while none of them runs: what blocks them, and whether they will recover."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelyard.engine.conditions import parse_time
from modelyard.engine.events import last_seen
from modelyard.engine.plan import EventsOf, Facts, PodsOf, Unavailable
from modelyard.engine.resource import Object
from modelyard.workload import refusals
from modelyard.workload.conclude import Trouble
from modelyard.workload.run import disruptions, failures, jobs
from modelyard.workload.run.failures import SPEC, Fields


@dataclass(frozen=True, slots=True)
class PodProgress:
    """The progress of a Job's pods.

    ``runs`` means that a pod is ready, or that the last one has just ended. Otherwise ``trouble`` is what blocks them,
    if it is known, and ``stalled`` means that a person has to act. ``lost`` means that a pod will not end: the Job
    would wait for it for ever, so it has to be replaced. ``after`` is when to inspect again.
    """

    runs: bool = False
    trouble: Trouble | None = None
    stalled: bool = False
    lost: bool = False
    after: datetime | None = None


def inspect(job: Object, facts: Facts, now: datetime, fields: Fields = SPEC) -> PodProgress:
    """Returns the progress of an active Job's pods. Raises Missing."""
    when = jobs.look_at_pods(job, now)
    if when is None:
        return PodProgress(runs=True)
    if when > now:
        return PodProgress(after=when)
    meta = job["metadata"]
    fact = facts[PodsOf(meta["namespace"], meta["name"], meta["uid"])]
    pods = [] if isinstance(fact, Unavailable) else fact
    again = jobs.look_again(job, now)
    newest = pods[-1] if pods else None
    if newest and (disruptions.is_terminating(newest) or disruptions.is_unreachable(newest)):
        return _disrupted(newest, facts, now, again)
    if blocked := failures.waiting(pods, fields):
        return PodProgress(trouble=blocked, stalled=True, after=again)
    left = jobs.attempts_left(job, pods)
    if left == 0 or (newest and _is_ending(newest)):
        return PodProgress(runs=True, after=again)
    if not isinstance(fact, Unavailable) and (refused := _not_created(job, pods, facts, fields, again)):
        return refused
    if failed := failures.ended([pod for pod in pods if failures.has_ended(pod)], fields):
        message = f"{failed.message}; it is tried again by itself, attempts left: {left}"
        return PodProgress(trouble=Trouble(failed.reason, message), after=again)
    return PodProgress(after=again)


def _not_created(job: Object, pods: list[Object], facts: Facts, fields: Fields, again: datetime) -> PodProgress | None:
    """Returns why no pod is created, or None. Only an Event of the Job says so: its status has no word about it."""
    if any(not failures.has_ended(pod) for pod in pods):
        return None
    meta = job["metadata"]
    events = facts[EventsOf(meta["namespace"], meta["uid"], "FailedCreate")]
    if isinstance(events, Unavailable) or not events:
        return None
    newest = events[-1]
    created = pods[-1]["metadata"].get("creationTimestamp") if pods else None
    since = [parse_time(time) for time in (created, (job.get("status") or {}).get("startTime")) if time]
    if any(parse_time(last_seen(newest)) < time for time in since):
        return None  # A pod was created after that, or the Job was suspended and has started anew.
    words = newest.get("note") or ""
    trouble = refusals.not_created(words, fields.resources)
    return PodProgress(trouble=trouble, stalled=not refusals.may_pass(words), after=again)


def _is_ending(pod: Object) -> bool:
    """Whether the pod succeeded, or its main container has ended and a helper still processes the output."""
    succeeded = (pod.get("status") or {}).get("phase") == "Succeeded"
    return succeeded or (not failures.has_ended(pod) and failures.exit_code(pod) is not None)


def _disrupted(pod: Object, facts: Facts, now: datetime, again: datetime) -> PodProgress:
    """Handles a pod that is being deleted or whose node is unreachable. Only the node shows whether it will ever end.

    A Job with a podFailurePolicy starts no other pod before it has ended. If the Job is replaced and both pods run,
    that does no harm: the files they write are named by digest.
    """
    name, node_name = pod["metadata"]["name"], pod["spec"].get("nodeName", "")
    problem = disruptions.node_problem(pod, facts)
    if not disruptions.is_terminating(pod):
        return PodProgress(trouble=disruptions.not_ready(pod, problem) if problem else None, after=again)
    if problem is not None:
        message = f"{problem}, and pod {name} ran there; another one starts on another node, which counts as no attempt"
        return PodProgress(trouble=Trouble("NodeLost", message), lost=True, after=again)
    stuck_at = disruptions.stuck_at(pod)
    if now >= stuck_at:
        message = f"pod {name} on node {node_name!r} was to end, and does not; another one is started. See to the node"
        return PodProgress(trouble=Trouble("PodStuck", message), lost=True, after=again)
    cause = disruptions.disruption(pod) or "it was deleted"
    message = f"pod {name} is being stopped: {cause}; another one follows by itself, which counts as no failed attempt"
    return PodProgress(trouble=Trouble("Disrupted", message), after=min(stuck_at, again))
