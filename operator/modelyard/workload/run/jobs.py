"""A Job's life: made once and never applied again, since its template is immutable; only ``suspend`` and
``activeDeadlineSeconds`` are patched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Patch
from modelyard.engine.resource import JOBS, Object
from modelyard.workload.names import manifest
from modelyard_api.fields.base import Model
from modelyard_api.fields.pods import RunPolicy
from modelyard_api.wire.result import EXIT_UNAVAILABLE, EXIT_USER_ERROR
from modelyard_api.wire.task import ANNOTATION

POD_TEMPLATE = "modelyard.dev/pod-template"
"""Annotation of a Job: the digest of the ``spec.podTemplate`` that it was made from."""
ATTEMPTS_BEFORE = "modelyard.dev/attempts-before"
"""Annotation of a Job that takes the place of another: how many of its owner's attempts had failed by then."""
MAX_TASK_BYTES = 250 * 1024
"""The API server takes 256 KiB of annotations, names included."""
MAIN = "main"
"""The container whose exit code counts."""
LOOK_AT_PODS_AFTER = timedelta(seconds=20)
SOONEST_LOOK, RAREST_LOOK = timedelta(seconds=10), timedelta(minutes=5)


class JobPhase(Enum):
    ACTIVE = "Active"
    SUSPENDED = "Suspended"
    COMPLETE = "Complete"
    FAILED = "Failed"


def job(
    metadata: dict[str, Any],
    task: Model,
    spec: dict[str, Any],
    policy: RunPolicy,
    before: int = 0,
    asks_store: str = MAIN,
) -> Object:
    """The Job of one task. The user's errors end it at once; what is nobody's failed attempt is tried again for free:
    evictions, preemption, lost nodes, a tracking server that was not there.

    ``before``: attempts that had failed when the Job that this one replaces was given up. ``asks_store``: the container
    that runs our program, whose exit code says that the tracking server was not there.
    """
    if before:
        metadata = {**metadata, "annotations": {**metadata.get("annotations", {}), ATTEMPTS_BEFORE: str(before)}}
    body: dict[str, Any] = {
        "backoffLimit": max(policy.backoff_limit - before, 0),
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": MAIN, "operator": "In", "values": [EXIT_USER_ERROR]},
                },
                {
                    "action": "Ignore",
                    "onExitCodes": {"containerName": asks_store, "operator": "In", "values": [EXIT_UNAVAILABLE]},
                },
            ]
        },
        "template": {
            "metadata": {
                "labels": dict(metadata["labels"]),
                "annotations": {ANNOTATION: task.model_dump_json(by_alias=True, exclude_none=True)},
            },
            "spec": {**spec, "restartPolicy": "Never"},
        },
    }
    if policy.active_deadline_seconds is not None:
        body["activeDeadlineSeconds"] = policy.active_deadline_seconds
    return manifest(JOBS, metadata, spec=body)


def task_too_large(job: Object) -> str | None:
    """Why the API server would refuse the Job: annotations have a limit, and the task is one."""
    size = sum(len(text.encode()) for text in job["spec"]["template"]["metadata"]["annotations"].values())
    if size <= MAX_TASK_BYTES:
        return None
    return f"make a task of {size} bytes for the pod; at most {MAX_TASK_BYTES} are possible"


def phase(job: Object) -> JobPhase:
    """Complete as soon as the Job has met its success criteria: its pod has ended, only bookkeeping is left."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["status"] == "True":
            if condition["type"] in ("Complete", "SuccessCriteriaMet"):
                return JobPhase.COMPLETE
            if condition["type"] == "Failed":
                return JobPhase.FAILED
    return JobPhase.SUSPENDED if job["spec"].get("suspend") else JobPhase.ACTIVE


def failure(job: Object) -> tuple[str, str]:
    """Reason and message of the Job's Failed condition."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Failed":
            return condition.get("reason", "Failed"), condition.get("message", "")
    return "Failed", ""


def _holds(job: Object, type_: str) -> bool:
    found = (job.get("status") or {}).get("conditions") or ()
    return any(condition["type"] == type_ and condition["status"] == "True" for condition in found)


def pod_template(job: Object) -> str | None:
    """The digest of the ``spec.podTemplate`` that an existing Job was made from."""
    annotations = job["metadata"].get("annotations") or {}
    return annotations.get(POD_TEMPLATE)


def failed_attempts(job: Object) -> int:
    """How many pods have failed, but for those that don't count; with those of a Job that this one has replaced."""
    before = (job["metadata"].get("annotations") or {}).get(ATTEMPTS_BEFORE, "0")
    return int((job.get("status") or {}).get("failed", 0)) + (int(before) if before.isdigit() else 0)


def attempts(job: Object) -> int:
    """How many pods were started, but for those that ended without having failed: evicted, or on a lost node."""
    status = job.get("status") or {}
    return int(status.get("active", 0)) + int(status.get("succeeded", 0)) + failed_attempts(job)


def attempts_left(job: Object, pods: Iterable[Object] = ()) -> int:
    """How many pods may still be started; ``pods``: those of the Job, whose ends it may not have counted yet."""
    seen = [verdict(job, pod) for pod in pods if (pod.get("status") or {}).get("phase") == "Failed"]
    if "FailJob" in seen:
        return 0
    failed = max(int((job.get("status") or {}).get("failed", 0)), seen.count("Count"))
    return max(int(job["spec"].get("backoffLimit", 6)) + 1 - failed, 0)


def verdict(job: Object, pod: Object) -> str:
    """What the Job makes of a pod that has failed, by its podFailurePolicy: Ignore, FailJob or Count."""
    status = pod.get("status") or {}
    held = {item["type"] for item in status.get("conditions") or () if item["status"] == "True"}
    codes = {}
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        codes[container["name"]] = ((container.get("state") or {}).get("terminated") or {}).get("exitCode")
    for rule in (job["spec"].get("podFailurePolicy") or {}).get("rules") or ():
        if held & {item["type"] for item in rule.get("onPodConditions") or ()}:
            return str(rule["action"])
        wanted = rule.get("onExitCodes")
        if wanted and codes.get(wanted["containerName"]) in wanted["values"]:
            return str(rule["action"])
    return "Count"


def is_running(job: Object) -> bool:
    return bool((job.get("status") or {}).get("ready"))


def is_ending(job: Object) -> bool:
    """Whether its last pod has ended, well or not, and only the Job's own end is not there yet."""
    status = job.get("status") or {}
    if status.get("succeeded") or (status.get("uncountedTerminatedPods") or {}).get("succeeded"):
        return True
    return _holds(job, "FailureTarget") or not attempts_left(job)


def was_interrupted(job: Object) -> bool:
    """Whether a pod has failed, or is being removed, and the next one does not run yet."""
    status = job.get("status") or {}
    counting = (status.get("uncountedTerminatedPods") or {}).get("failed")
    return bool(status.get("failed") or status.get("terminating") or counting) and not is_running(job)


def look_at_pods(job: Object, now: datetime) -> datetime | None:
    """When the pods of an active Job should be looked at because none is ready; None: one runs, or the last has ended.

    A moment in the past means now: an image that can't be pulled, or a pod that fits on no node, shows only there.
    """
    if is_running(job) or is_ending(job):
        return None
    if was_interrupted(job):
        return now
    started = (job.get("status") or {}).get("startTime")
    return parse_time(started) + LOOK_AT_PODS_AFTER if started else now + LOOK_AT_PODS_AFTER


def look_again(job: Object, now: datetime) -> datetime:
    """The next look at pods of which none is ready: soon at first, rarely at one that has waited for long.

    Each look is a request, and thousands of runs may wait in a queue for hours.
    """
    started = (job.get("status") or {}).get("startTime")
    waited = now - parse_time(started) if started else timedelta()
    return now + min(max(waited / 4, SOONEST_LOOK), RAREST_LOOK)


def adjust(job: Object, policy: RunPolicy) -> tuple[Patch, ...]:
    """The patch that brings an unfinished Job to the policy as it is now."""
    spec = job["spec"]
    wanted: dict[str, Any] = {}
    if bool(spec.get("suspend")) != policy.suspend:
        wanted["suspend"] = policy.suspend
    if spec.get("activeDeadlineSeconds") != policy.active_deadline_seconds:
        wanted["activeDeadlineSeconds"] = policy.active_deadline_seconds
    if not wanted:
        return ()
    meta = job["metadata"]
    return (Patch(JOBS, meta["namespace"], meta["name"], meta["uid"], {"spec": wanted}),)
