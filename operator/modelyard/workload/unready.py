"""Explains why pods of a Deployment are not ready, from the Deployment itself and, only then, from its pods.

Pods are not watched: they are read while some are not ready, so that a Deployment whose pods all serve costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from modelyard.engine.conditions import find, holds, parse_time
from modelyard.engine.plan import Facts, PodsWith, Unavailable
from modelyard.engine.resource import Object
from modelyard.workload import refusals
from modelyard.workload.conclude import Trouble
from modelyard.workload.run import disruptions, failures, mounts
from modelyard.workload.run.failures import Fields
from modelyard.workload.versions import DAMAGE
from modelyard_api.wire.redact import redacted

FIRST_READ = timedelta(seconds=10)
"""Time without progress after which pods that are not ready are read: most are ready by then."""
SHORTEST_POLL, LONGEST_POLL = timedelta(seconds=10), timedelta(seconds=30)
"""Bounds of the interval between two reads of such pods."""
FETCHES_WITHIN = timedelta(seconds=15)
"""Time that an init container may run before that is told. Most models are fetched within a second."""
LASTING = ("OOMKilled", *DAMAGE, "InvalidURI", "InvalidModel")
"""Reasons of a container's end that come again until a person acts."""
RESTARTS = 3
"""Number of restarts from which any other failure of a container counts as one that doesn't go away by itself."""
_TEMPLATE = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Unready:
    """``trouble`` is why pods are not ready; None means that nothing is known, or that all are ready.

    ``stalled`` means that a person has to act. ``after`` is when to inspect the pods again.
    """

    trouble: Trouble | None = None
    stalled: bool = False
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What messages about the pods of a Deployment name: their selector, the fields of the spec, a remedy, and what
    their init container fetches."""

    pods: PodsWith
    fields: Fields
    progress_seconds: int
    remedy: str = "podTemplate"
    fetched: Literal["model", "data"] = "model"


def inspect(child: Object, described: Described, facts: Facts, now: datetime) -> Unready:
    """Returns why pods of a Deployment are not ready. Raises Missing."""
    status, replicas = child.get("status") or {}, child["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < child["metadata"].get("generation", 0):
        return Unready()
    total, updated, available = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
    # Pods of the old template stay, and are available, as long as those of the new one are not.
    if total == updated and min(updated, available) >= replicas:
        return Unready()
    refused = find(child, "ReplicaFailure")
    if refused is not None and refused["status"] == "True":
        message = redacted(refused.get("message", ""))
        return Unready(refusals.not_created(message, described.fields.resources), not refusals.may_pass(message))
    overdue, since = _overdue(child, described), _since(child)
    if overdue is None and now < since + FIRST_READ:
        return Unready(after=since + FIRST_READ)
    again = now + min(max((now - since) / 4, SHORTEST_POLL), LONGEST_POLL)
    pods = facts[described.pods]
    trouble, stalled = (None, False) if isinstance(pods, Unavailable) else explain(pods, described, facts, now)
    return Unready(trouble or overdue, stalled if trouble else overdue is not None, again)


def explain(pods: Sequence[Object], described: Described, facts: Facts, now: datetime) -> tuple[Trouble | None, bool]:
    """Returns why the newest pods are not ready, or None, and whether a person has to act. Raises Missing.

    ``pods`` has the newest last. Pods of an older template don't count: they are replaced whatever is wrong with them.
    """
    fields = described.fields
    existing = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    newest = _template_of(existing[-1]) if existing else None
    unready = [pod for pod in reversed(existing) if not holds(pod, "Ready") and _template_of(pod) == newest]
    for pod in unready:
        if failures.has_ended(pod) and any(_started(other) for other in existing[existing.index(pod) + 1 :]):
            continue  # another pod has taken its place, so it says nothing of now
        if waits := failures.waiting([pod], fields):
            return waits, True
        # Only one pod's Events are read: the others have the same volumes.
        if pod is unready[0] and (unmounted := mounts.not_mounted(pod, facts, now)):
            return unmounted
        if failures.has_ended(pod):
            trouble, stalled = failures.ended([pod], fields), False
        elif disruptions.is_unreachable(pod):
            problem = disruptions.node_problem(pod, facts)
            trouble, stalled = disruptions.not_ready(pod, problem) if problem else None, False
        else:
            trouble, stalled = _crashed(pod, fields)
            trouble = trouble or _fetching(pod, described.fetched, now)
        if trouble is not None:
            return trouble, stalled
    return None, False


def _crashed(pod: Object, fields: Fields) -> tuple[Trouble | None, bool]:
    """Returns how a container ended that Kubernetes starts again, or has started again and that isn't ready yet."""
    for status in failures.statuses(pod):
        end = failures.last_end(status)
        if end is None or status.get("ready"):
            continue
        trouble = failures.exited(pod, status, end, fields)
        lasts = trouble.reason in LASTING or status.get("restartCount", 0) >= RESTARTS
        return trouble, lasts and trouble.reason != "TrackingUnavailable"
    return None, False


def _fetching(pod: Object, fetched: str, now: datetime) -> Trouble | None:
    """Returns that an init container takes long, which is told before it gives up: mostly the store doesn't answer."""
    spec = pod.get("spec") or {}
    sidecars = {item["name"] for item in spec.get("initContainers") or () if item.get("restartPolicy") == "Always"}
    for status in (pod.get("status") or {}).get("initContainerStatuses") or ():
        if status["name"] in sidecars:
            continue  # it runs as long as the pod does
        started = ((status.get("state") or {}).get("running") or {}).get("startedAt")
        if started and now >= parse_time(started) + FETCHES_WITHIN:
            name, container = pod["metadata"]["name"], status["name"]
            message = f"container {container!r} has been fetching the {fetched} since {started}, and hasn't got it yet"
            advice = ": it is large, or the tracking server doesn't answer"
            reason = "FetchingModel" if fetched == "model" else "FetchingData"
            return Trouble(reason, f"{message}{advice}; see kubectl logs {name} -c {container}")
    return None


def _overdue(child: Object, described: Described) -> Trouble | None:
    """Returns that the Deployment's progress deadline has passed, or None."""
    progress = find(child, "Progressing")
    if progress is None or progress["status"] != "False":
        return None
    return Trouble(
        "RolloutFailed",
        f"not all pods are ready after {described.progress_seconds} s ({progress.get('message', '')}); "
        f"see kubectl describe pods -l {described.pods.selector}, then correct {described.remedy}",
    )


def _since(child: Object) -> datetime:
    """Returns since when the Deployment makes no progress: since a change, a new ready pod, or the loss of one."""
    times = [child["metadata"]["creationTimestamp"]]
    for condition in (find(child, "Available"), find(child, "Progressing")):
        if condition is not None:
            times += [condition[key] for key in ("lastTransitionTime", "lastUpdateTime") if condition.get(key)]
    return max(map(parse_time, times))


def _started(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _template_of(pod: Object) -> str | None:
    return (pod["metadata"].get("labels") or {}).get(_TEMPLATE)
