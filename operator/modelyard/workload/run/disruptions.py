"""Pods that are taken away for reasons that are not theirs: what Kubernetes says in the condition DisruptionTarget."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import find, parse_time
from modelyard.engine.resource import Object

PATIENCE = timedelta(seconds=30)
"""How long after its grace period a pod may still be there before it counts as stuck."""
_WHY = {
    "EvictionByEvictionAPI": "it was evicted from its node, as a drain does",
    "DeletionByTaintManager": "its node is lost, or was tainted NoExecute",
    "DeletionByPodGC": "its node is gone",
    "PreemptionByScheduler": "a pod of a higher priority took its place",
    "TerminationByKubelet": "its node shuts down, or is short of a resource",
}


def disruption(pod: Object) -> str | None:
    """Why the pod was, or is to be, taken away; such an end does not count against a Job's backoffLimit."""
    found = find(pod, "DisruptionTarget")
    if found is None or found["status"] != "True":
        return None
    return _WHY.get(found.get("reason", ""), found.get("message") or found.get("reason") or "it was disrupted")


def is_terminating(pod: Object) -> bool:
    """Whether it was deleted and has not ended yet."""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return bool(pod["metadata"].get("deletionTimestamp")) and not ended


def is_out_of_sight(pod: Object) -> bool:
    """Whether the control plane took its readiness away, while all that its kubelet has said is that it runs."""
    ready, containers = find(pod, "Ready"), find(pod, "ContainersReady")
    return bool(ready and containers and ready["status"] == "False" and containers["status"] == "True")


def stuck_at(pod: Object) -> datetime:
    """When a terminating pod counts as stuck, whatever its node says: its deletion's time is the end of its grace."""
    return parse_time(pod["metadata"]["deletionTimestamp"]) + PATIENCE


def node_trouble(name: str, node: Object | None) -> str | None:
    """What is wrong with a node; None: its kubelet answers."""
    if node is None:
        return f"node {name!r} is gone"
    ready = find(node, "Ready")
    # Unknown: no heartbeat; False: the kubelet itself says that it can't run pods, so it still ends them.
    if ready is None or ready["status"] != "Unknown":
        return None
    return f"node {name!r} does not answer since {ready['lastTransitionTime']}"
