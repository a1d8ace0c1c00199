"""What the pods of a Job that is not over tell while none of them runs: what holds them up, and if they come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelyard.engine.plan import Facts, Fetch, PodsOf, Unavailable
from modelyard.engine.resource import NODES, Object
from modelyard.workload import failures
from modelyard.workload.failures import SPEC, Fields, Trouble
from modelyard.workload.run import disruptions, jobs


@dataclass(frozen=True, slots=True)
class PodProgress:
    """``runs``: a pod is ready, or the last one has just ended. Else ``trouble`` is what there is to tell, if anything;
    ``stalled``: somebody has to act. ``lost``: a pod will not end, and the Job, which waits for that for ever, has to
    be made anew. ``after``: when to look again."""

    runs: bool = False
    trouble: Trouble | None = None
    stalled: bool = False
    lost: bool = False
    after: datetime | None = None


def inspect(job: Object, facts: Facts, now: datetime, fields: Fields = SPEC) -> PodProgress:
    """What an active Job's pods tell. Raises Missing."""
    when = jobs.look_at_pods(job, now)
    if when is None:
        return PodProgress(runs=True)
    if when > now:
        return PodProgress(after=when)
    meta = job["metadata"]
    found = facts[PodsOf(meta["namespace"], meta["name"], meta["uid"])]
    pods = [] if isinstance(found, Unavailable) else found
    again = jobs.look_again(job, now)
    newest = pods[-1] if pods else None
    if newest and (disruptions.is_terminating(newest) or disruptions.is_out_of_sight(newest)):
        return _taken(newest, facts, now, again)
    if held := failures.waiting(pods, fields):
        return PodProgress(trouble=held, stalled=True, after=again)
    left = jobs.attempts_left(job, pods)
    if left == 0 or (newest and _is_ending(newest)):
        return PodProgress(runs=True, after=again)
    if failed := failures.ended([pod for pod in pods if failures.has_ended(pod)], fields):
        message = f"{failed.message}; it is tried again by itself, attempts left: {left}"
        return PodProgress(trouble=Trouble(failed.reason, message), after=again)
    return PodProgress(after=again)


def _is_ending(pod: Object) -> bool:
    """It has ended well, or a helper still works on what its container left."""
    succeeded = (pod.get("status") or {}).get("phase") == "Succeeded"
    return succeeded or (not failures.has_ended(pod) and failures.exit_code(pod) is not None)


def _taken(pod: Object, facts: Facts, now: datetime, again: datetime) -> PodProgress:
    """The pod is being deleted, or its node is out of sight; only the node can say whether it will ever end.

    A Job with a podFailurePolicy starts no other pod before that. Two at a time do no harm: what they write is named
    by its digest.
    """
    name, place = pod["metadata"]["name"], pod["spec"].get("nodeName", "")
    node = facts[Fetch(NODES, "", place)] if place else Unavailable("the pod was never given a node")
    gone = None if isinstance(node, Unavailable) else disruptions.node_trouble(place, node)
    if not disruptions.is_terminating(pod):
        if gone is None:
            return PodProgress(after=again)
        message = (
            f"{gone}, and pod {name} ran there; Kubernetes replaces it once it gives the node up (5 min by default)"
        )
        return PodProgress(trouble=Trouble("NodeNotReady", message), after=again)
    if gone is not None:
        message = f"{gone}, and pod {name} ran there; another one starts on another node, which counts as no attempt"
        return PodProgress(trouble=Trouble("NodeLost", message), lost=True, after=again)
    stuck = disruptions.stuck_at(pod)
    if now >= stuck:
        message = f"pod {name} on node {place!r} was to end, and does not; another one is started. See to the node"
        return PodProgress(trouble=Trouble("PodStuck", message), lost=True, after=again)
    why = disruptions.disruption(pod) or "it was deleted"
    message = f"pod {name} is being stopped: {why}; another one follows by itself, which counts as no failed attempt"
    return PodProgress(trouble=Trouble("Disrupted", message), after=min(stuck, again))
