"""Builds and reads Jobs. A Job is created once and never applied again, since its template is immutable; only its
``suspend`` and ``activeDeadlineSeconds`` are patched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from modelyard.engine.conditions import find, parse_time
from modelyard.engine.ownership import foreign
from modelyard.engine.plan import Patch
from modelyard.engine.resource import JOBS, Object
from modelyard.workload.names import is_own_label, manifest, short_hash
from modelyard.workload.pod_metadata import pod_metadata
from modelyard.workload.run.disruptions import refusal
from modelyard_api.fields.artifact import canonical
from modelyard_api.fields.base import Model
from modelyard_api.fields.pods import PodTemplate, RunPolicy
from modelyard_api.wire.result import EXIT_UNAVAILABLE, EXIT_USER_ERROR
from modelyard_api.wire.task import ANNOTATION

POD_TEMPLATE = "modelyard.dev/pod-template"
"""Annotation of a Job: the digest of the podTemplate from which it was built."""
ATTEMPTS_BEFORE = "modelyard.dev/attempts-before"
"""Annotation of a Job that replaces another: the number of its owner's attempts that had failed by then."""
INDEX = "batch.kubernetes.io/job-completion-index"
"""Annotation of a pod of an Indexed Job."""
MAX_TASK_BYTES = 250 * 1024
"""Longest task. The API server accepts 256 KiB of annotations, names included."""
MAIN = "main"
"""Name of the container whose exit code counts."""
FIRST_POLL_AFTER = timedelta(seconds=20)
"""Time after a Job's start at which its pods are read if none is ready."""
SHORTEST_POLL, LONGEST_POLL = timedelta(seconds=10), timedelta(minutes=5)
"""Bounds of the interval between two reads of such pods."""


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
    pod_template: PodTemplate,
    before: int = 0,
    asks_store: str = MAIN,
) -> Object:
    """Returns the Job of one task.

    A user error fails it at once. Evictions, preemption, lost nodes and an unavailable tracking server don't count as
    failed attempts. ``pod_template`` adds labels and annotations to the pods; ``spec`` was already built from it.
    ``before`` is the number of attempts that had failed when the replaced Job was given up.
    ``asks_store`` names the container that runs our program, whose exit code reports an unavailable tracking server.
    """
    annotations = {**metadata.get("annotations", {}), POD_TEMPLATE: _digest(pod_template)}
    if before:
        annotations[ATTEMPTS_BEFORE] = str(before)
    metadata = {**metadata, "annotations": annotations}
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
            "metadata": pod_metadata(
                pod_template,
                metadata["labels"],
                {ANNOTATION: task.model_dump_json(by_alias=True, exclude_none=True)},
            ),
            "spec": {**spec, "restartPolicy": "Never"},
        },
    }
    if policy.active_deadline_seconds is not None:
        body["activeDeadlineSeconds"] = policy.active_deadline_seconds
    return manifest(JOBS, metadata, spec=body)


def task_too_large(job: Object) -> str | None:
    """Returns why the API server would reject the Job, or None: the task is an annotation, whose size is limited."""
    size = sum(len(text.encode()) for text in job["spec"]["template"]["metadata"]["annotations"].values())
    if size <= MAX_TASK_BYTES:
        return None
    return f"make a task of {size} bytes for the pod; at most {MAX_TASK_BYTES} are possible"


def phase(job: Object) -> JobPhase:
    """Returns the Job's phase. COMPLETE includes SuccessCriteriaMet: the pod has ended, only bookkeeping is left."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["status"] == "True":
            if condition["type"] in ("Complete", "SuccessCriteriaMet"):
                return JobPhase.COMPLETE
            if condition["type"] == "Failed":
                return JobPhase.FAILED
    return JobPhase.SUSPENDED if job["spec"].get("suspend") else JobPhase.ACTIVE


def failure(job: Object) -> tuple[str, str]:
    """Returns the reason and message of the Job's Failed condition."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Failed":
            return condition.get("reason", "Failed"), condition.get("message", "")
    return "Failed", ""


def failed_at(job: Object) -> datetime | None:
    """Returns when the Job failed, or None."""
    condition = find(job, "Failed")
    return parse_time(condition["lastTransitionTime"]) if condition and "lastTransitionTime" in condition else None


def _holds(job: Object, type_: str) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(condition["type"] == type_ and condition["status"] == "True" for condition in conditions)


def is_built_from(job: Object, pod_template: PodTemplate) -> bool:
    """Whether a Job was built from this podTemplate: nobody can change the pods of a Job."""
    annotations = job["metadata"].get("annotations") or {}
    return bool(annotations.get(POD_TEMPLATE) == _digest(pod_template))


def _digest(pod_template: PodTemplate) -> str:
    return short_hash(canonical(pod_template.wire()).decode())


def failed_attempts(job: Object) -> int:
    """Returns the number of failed attempts, with those of replaced Jobs and without pods that don't count."""
    return int((job.get("status") or {}).get("failed", 0)) + _attempts_before(job)


def _attempts_before(job: Object) -> int:
    before = (job["metadata"].get("annotations") or {}).get(ATTEMPTS_BEFORE, "0")
    return int(before) if before.isdigit() else 0


def attempts(job: Object) -> int:
    """Returns the number of started pods, without those whose end doesn't count, such as by eviction or a lost node."""
    status = job.get("status") or {}
    return int(status.get("active", 0)) + int(status.get("succeeded", 0)) + failed_attempts(job)


def attempts_left(job: Object, pods: Sequence[Object] = ()) -> int:
    """Returns how many pods may still be started. ``pods`` are the Job's; it may not have counted their ends yet.

    Those that a node refused are counted by the Job, but use up no attempt: another Job follows if need be.
    """
    verdicts = [verdict(job, pod) for pod in pods if (pod.get("status") or {}).get("phase") == "Failed"]
    if "FailJob" in verdicts:
        return 0
    failed = max(int((job.get("status") or {}).get("failed", 0)), verdicts.count("Count")) - refused(job, pods)
    return max(int(job["spec"].get("backoffLimit", 6)) + 1 - failed, 0)


def refused(job: Object, pods: Iterable[Object]) -> int:
    """Returns how many of the pods were refused by their nodes, and so counted by the Job as failures."""
    return sum(verdict(job, pod) == "Count" for pod in pods if refusal(pod))


def verdict(job: Object, pod: Object) -> str:
    """Returns the action of the Job's podFailurePolicy for a failed pod: Ignore, FailJob or Count."""
    status = pod.get("status") or {}
    true_conditions = {item["type"] for item in status.get("conditions") or () if item["status"] == "True"}
    codes = {}
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        codes[container["name"]] = ((container.get("state") or {}).get("terminated") or {}).get("exitCode")
    for rule in (job["spec"].get("podFailurePolicy") or {}).get("rules") or ():
        if true_conditions & {item["type"] for item in rule.get("onPodConditions") or ()}:
            return str(rule["action"])
        exits = rule.get("onExitCodes")
        if exits and codes.get(exits["containerName"]) in exits["values"]:
            return str(rule["action"])
    return "Count"


def completions(job: Object) -> int:
    """Returns how many pods have to succeed. All of them run at once."""
    return int(job["spec"].get("completions") or 1)


def index(pod: Object) -> int:
    """Returns a pod's number within an Indexed Job."""
    number = (pod["metadata"].get("annotations") or {}).get(INDEX, "0")
    return int(number) if number.isdigit() else 0


def _succeeded(job: Object) -> int:
    status = job.get("status") or {}
    uncounted = (status.get("uncountedTerminatedPods") or {}).get("succeeded") or ()
    return int(status.get("succeeded", 0)) + len(uncounted)


def is_running(job: Object) -> bool:
    """Whether all pods of the Job that have not succeeded yet are ready."""
    ready = int((job.get("status") or {}).get("ready", 0))
    return bool(ready) and ready + _succeeded(job) >= completions(job)


def is_ending(job: Object) -> bool:
    """Whether the Job's last pod has ended, in success or failure, but the Job has no final condition yet."""
    return _succeeded(job) >= completions(job) or _holds(job, "FailureTarget") or not attempts_left(job)


def deadline(job: Object) -> datetime | None:
    """Returns when an active Job has to have ended, or None."""
    started, seconds = (job.get("status") or {}).get("startTime"), job["spec"].get("activeDeadlineSeconds")
    return None if started is None or seconds is None else parse_time(started) + timedelta(seconds=seconds)


def is_past_deadline(job: Object, now: datetime) -> bool:
    """Whether the Job has missed its deadline. Kubernetes calls it failed only once its pods have ended, for which they
    have their grace period."""
    target = find(job, "FailureTarget")
    if target is not None and target["status"] == "True":
        return bool(target.get("reason") == "DeadlineExceeded")
    end = deadline(job)
    return end is not None and now >= end


def was_interrupted(job: Object) -> bool:
    """Whether a pod has failed or is being removed, and the next one does not run yet."""
    status = job.get("status") or {}
    uncounted = (status.get("uncountedTerminatedPods") or {}).get("failed")
    return bool(status.get("failed") or status.get("terminating") or uncounted) and not is_running(job)


def look_at_pods(job: Object, now: datetime) -> datetime | None:
    """Returns when to read the pods of an active Job because some are not ready; None if all run or the last has ended.

    A time in the past means now. Only the pods show an image that can't be pulled, or a pod that fits on no node.
    """
    if is_running(job) or is_ending(job):
        return None
    if was_interrupted(job):
        return now
    started = (job.get("status") or {}).get("startTime")
    return parse_time(started) + FIRST_POLL_AFTER if started else now + FIRST_POLL_AFTER


def look_again(job: Object, now: datetime) -> datetime:
    """Returns when to read the pods again while some are not ready: the longer the Job has waited, the later.

    Each read is a request, and thousands of runs may wait in a queue for hours.
    """
    started = (job.get("status") or {}).get("startTime")
    waited = now - parse_time(started) if started else timedelta()
    return now + min(max(waited / 4, SHORTEST_POLL), LONGEST_POLL)


def adjust(job: Object, policy: RunPolicy) -> tuple[Patch, ...]:
    """Returns the patch that adapts an unfinished Job to the current policy, and undoes what others changed in it.

    The API server lets nobody change a Job's pods. A time to live that somebody sets would take the pods, and with them
    what they said at their end.
    """
    spec, meta = job["spec"], job["metadata"]
    changes: dict[str, Any] = {}
    if bool(spec.get("suspend")) != policy.suspend:
        changes["suspend"] = policy.suspend
    if spec.get("activeDeadlineSeconds") != policy.active_deadline_seconds:
        changes["activeDeadlineSeconds"] = policy.active_deadline_seconds
    if foreign(job, ("f:spec", "f:backoffLimit")):
        changes["backoffLimit"] = max(policy.backoff_limit - _attempts_before(job), 0)
    pods = completions(job)
    if spec.get("parallelism", 1) != pods:
        changes["parallelism"] = pods
    if spec.get("ttlSecondsAfterFinished") is not None:
        changes["ttlSecondsAfterFinished"] = None
    body: dict[str, Any] = {"spec": changes} if changes else {}
    if labels := _lost_labels(job):
        body["metadata"] = {"labels": labels}
    return (Patch(JOBS, meta["namespace"], meta["name"], meta["uid"], body),) if body else ()


def _lost_labels(job: Object) -> dict[str, str]:
    """Returns our labels of the Job that were changed or removed: its pods have the same, which nobody can change."""
    labels = job["metadata"].get("labels") or {}
    template = job["spec"].get("template") or {}
    pods = (template.get("metadata") or {}).get("labels") or {}
    return {key: value for key, value in pods.items() if is_own_label(key) and labels.get(key) != value}
