"""A Job's life: made once and never applied again, since its template is immutable; only ``suspend`` and
``activeDeadlineSeconds`` are patched."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Patch
from modelyard.engine.resource import JOBS, Object
from modelyard.workload.names import manifest
from modelyard_api.base import Model
from modelyard_api.pods import RunPolicy
from modelyard_api.result import EXIT_USER_ERROR
from modelyard_api.task import ANNOTATION

POD_TEMPLATE = "modelyard.dev/pod-template"
"""Annotation of a Job: the digest of the ``spec.podTemplate`` that it was made from."""
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


def job(metadata: dict[str, Any], task: Model, spec: dict[str, Any], policy: RunPolicy) -> Object:
    """The Job of one task. Lost nodes and preemption don't count as failures; the user's errors end it at once."""
    body: dict[str, Any] = {
        "backoffLimit": policy.backoff_limit,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": MAIN, "operator": "In", "values": [EXIT_USER_ERROR]},
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


def pod_template(job: Object) -> str | None:
    """The digest of the ``spec.podTemplate`` that an existing Job was made from."""
    annotations = job["metadata"].get("annotations") or {}
    return annotations.get(POD_TEMPLATE)


def attempts(job: Object) -> int:
    """How many pods were started."""
    status = job.get("status") or {}
    return int(status.get("active", 0)) + int(status.get("succeeded", 0)) + int(status.get("failed", 0))


def is_running(job: Object) -> bool:
    return bool((job.get("status") or {}).get("ready"))


def is_between_pods(job: Object) -> bool:
    """Whether a pod has ended and neither the next one nor the Job's own end is there yet."""
    status = job.get("status") or {}
    ended = status.get("uncountedTerminatedPods") or {}
    if ended.get("succeeded") or ended.get("failed"):
        return True
    return not status.get("active") and bool(status.get("succeeded") or status.get("failed"))


def look_at_pods(job: Object, now: datetime) -> datetime | None:
    """When the pods of an active Job should be looked at because none is ready; None: a pod runs, or has just ended.

    A moment in the past means now: an image that can't be pulled, or a pod that fits on no node, shows only there.
    """
    if is_running(job) or is_between_pods(job):
        return None
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
