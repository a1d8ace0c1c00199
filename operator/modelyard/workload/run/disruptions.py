"""Recognizes pods that were removed or refused through no fault of their own, mostly by a condition."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import find, parse_time
from modelyard.engine.plan import Facts, Fetch, Unavailable
from modelyard.engine.resource import NODES, Object
from modelyard.workload.conclude import Trouble

PATIENCE = timedelta(seconds=30)
"""Time after its grace period at which a pod that still exists counts as stuck."""
_CAUSES = {
    "EvictionByEvictionAPI": "it was evicted from its node, as a drain does",
    "DeletionByTaintManager": "its node is lost, or was tainted NoExecute",
    "DeletionByPodGC": "its node is gone",
    "PreemptionByScheduler": "a pod of a higher priority took its place",
    "TerminationByKubelet": "its node shuts down, or is short of a resource",
}


def disruption(pod: Object) -> str | None:
    """Returns why the pod was or will be disrupted, or None. That does not count against a Job's backoffLimit."""
    condition = find(pod, "DisruptionTarget")
    if condition is None or condition["status"] != "True":
        return None
    return _CAUSES.get(
        condition.get("reason", ""), condition.get("message") or condition.get("reason") or "it was disrupted"
    )


def refusal(pod: Object) -> str | None:
    """Returns why the node refused the pod, although the scheduler had chosen it, or None.

    A node that is short of a resource refuses pods that come before its taint is known, and all pods once its kubelet
    is started again. No condition tells of that, so a Job counts it against its backoffLimit.
    """
    status = pod.get("status") or {}
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    short = reason == "Evicted" and "node had condition" in message
    if status.get("phase") != "Failed" or not (short or reason == "NodeShutdown" or reason.startswith("OutOf")):
        return None
    cause = message.removeprefix("Pod was rejected: ").strip().rstrip(".")
    return cause if short or not cause else f"{reason}: {cause}"


def is_terminating(pod: Object) -> bool:
    """Whether the pod was deleted and has not ended yet."""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return bool(pod["metadata"].get("deletionTimestamp")) and not ended


def is_unreachable(pod: Object) -> bool:
    """Whether the control plane revoked the pod's readiness, although its kubelet last reported ready containers."""
    ready, containers = find(pod, "Ready"), find(pod, "ContainersReady")
    return bool(ready and containers and ready["status"] == "False" and containers["status"] == "True")


def stuck_at(pod: Object) -> datetime:
    """Returns when a terminating pod counts as stuck. Its deletionTimestamp is the end of its grace period."""
    return parse_time(pod["metadata"]["deletionTimestamp"]) + PATIENCE


def node_problem(pod: Object, facts: Facts) -> str | None:
    """Returns what is wrong with the pod's node, or None if its kubelet answers or nothing is known. Raises Missing."""
    name = pod["spec"].get("nodeName")
    node = facts[Fetch(NODES, "", name)] if name else Unavailable("the pod was never given a node")
    return None if isinstance(node, Unavailable) else node_trouble(name, node)


def not_ready(pod: Object, problem: str) -> Trouble:
    """Returns that a pod's node does not answer: Kubernetes waits before it deletes the pod."""
    name = pod["metadata"]["name"]
    later = "Kubernetes replaces it once it gives the node up (5 min by default)"
    return Trouble("NodeNotReady", f"{problem}, and pod {name} ran there; {later}")


def node_trouble(name: str, node: Object | None) -> str | None:
    """Returns what is wrong with a node, or None if its kubelet answers."""
    if node is None:
        return f"node {name!r} is gone"
    ready = find(node, "Ready")
    # Unknown means no heartbeat. False comes from the kubelet itself, so it can still end pods.
    if ready is None or ready["status"] != "Unknown":
        return None
    return f"node {name!r} does not answer since {ready['lastTransitionTime']}"
