"""What went wrong in a pod, in words that say what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from modelyard.engine.resource import Object
from modelyard.workload.run.disruptions import disruption
from modelyard.workload.run.jobs import MAIN, failure
from modelyard_api.wire.result import Error, Failed

IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
CONFIG_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
NO_SPACE = "No space left on device"
"""What every program says of it in the end: strerror(ENOSPC)."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a person sets what a pod is made from: a message names the field that helps."""

    image: str = "spec.podTemplate.image"
    resources: str = "spec.podTemplate.resources"
    own_image: str | None = None
    """The field of the user's own image, where the main container is one; the others are then the installation's."""

    def image_of(self, container: str) -> str:
        if self.own_image is None:
            return self.image
        return self.own_image if container == MAIN else _RUNTIME

    def resources_of(self, container: str) -> str:
        return self.resources if self.own_image is None or container == MAIN else _RUN


_RUNTIME, _RUN = "images.runtime of the installation", "resources.run of the installation"
SPEC = Fields()
INSTALLATION = Fields(_RUNTIME, _RUN)
"""Of pods that no object of the user's describes."""


@dataclass(frozen=True, slots=True)
class Trouble:
    reason: str
    message: str


def statuses(pod: Object) -> list[dict[str, Any]]:
    """Of all containers, the one whose exit code counts first."""
    status = pod.get("status") or {}
    found = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return sorted(found, key=lambda item: item["name"] != MAIN)


def has_ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def exit_code(pod: Object) -> int | None:
    """Of the container whose exit code counts; None: it has not ended."""
    for status in statuses(pod):
        if status["name"] == MAIN:
            code = ((status.get("state") or {}).get("terminated") or {}).get("exitCode")
            return None if code is None else int(code)
    return None


def waiting(pods: list[Object], fields: Fields = SPEC) -> Trouble | None:
    """Why the newest pod that hasn't ended does not start, if it says so."""
    for pod in reversed(pods):
        if has_ended(pod):
            continue
        for status in statuses(pod):
            held = (status.get("state") or {}).get("waiting") or {}
            reason, said = held.get("reason", ""), held.get("message", "")
            if reason in IMAGE_REASONS:
                image, name = status.get("image"), status["name"]
                return Trouble(
                    "ImagePullFailed",
                    f"{fields.image_of(name)}: the image {image!r} of container {name!r} can't be pulled ({reason}); "
                    "correct its name, push it, or name its credentials in imagePullSecrets",
                )
            if reason in CONFIG_REASONS:
                return Trouble(reason, f"container {status['name']!r} can't be started: {said}")
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return Trouble(
                    "Unschedulable",
                    f"no node can take the pod: {condition.get('message', '')}; "
                    f"lower {fields.resources}.requests, or correct nodeSelector and tolerations",
                )
    return None


def _limit(pod: Object, container: str) -> str:
    spec = pod.get("spec") or {}
    for item in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if item["name"] == container:
            return str(((item.get("resources") or {}).get("limits") or {}).get("memory", "none"))
    return "none"


def _said(message: str) -> Error | None:
    """The error in a termination message of ours."""
    try:
        document = orjson.loads(message)  # the standard library's takes what can't be written again
        return Failed.model_validate(document).error if document.get("kind") == "Failed" else None
    except (ValueError, AttributeError):
        return None


def ended(pods: list[Object], fields: Fields = SPEC) -> Trouble | None:
    """Why the newest pod that failed did so."""
    return next(filter(None, (_ended(pod, fields) for pod in reversed(pods))), None)


def _ended(pod: Object, fields: Fields) -> Trouble | None:
    name = pod["metadata"]["name"]
    if (pod.get("status") or {}).get("reason") == "Evicted":
        return _evicted(pod, fields)
    if found := disruption(pod):
        return Trouble("Disrupted", f"pod {name} was stopped: {found}; such an end does not count as a failed attempt")
    for status in statuses(pod):
        end = (status.get("state") or {}).get("terminated") or {}
        if end and end.get("exitCode") != 0:
            return _exited(pod, status, end, fields)
    return None


def _evicted(pod: Object, fields: Fields) -> Trouble:
    """By the kubelet: for what the pod itself used too much of, which counts as a failure, or for others' sake."""
    # After that it lists what each container used.
    said = str(pod["status"].get("message", "")).split(". Container ")[0].strip().rstrip(".")
    if disruption(pod):
        asks = f"{fields.resources}.requests.{'memory' if 'resource: memory' in said else 'ephemeral-storage'}"
        message = f"free the node, or ask for what the pod uses in {asks}; it does not count as a failed attempt"
    else:
        message = f"raise {fields.resources}.limits.ephemeral-storage, or write less to /tmp and the work folder"
    return Trouble("Evicted", f"the pod was evicted: {said}; {message}")


def _exited(pod: Object, status: dict[str, Any], end: dict[str, Any], fields: Fields) -> Trouble:
    name, container, code = pod["metadata"]["name"], status["name"], end.get("exitCode")
    if end.get("reason") == "OOMKilled":
        return Trouble(
            "OOMKilled",
            f"container {container!r} was killed for using more than its memory limit of {_limit(pod, container)}; "
            f"raise {fields.resources_of(container)}.limits.memory",
        )
    error = _said(end.get("message") or "")
    if error:
        return Trouble(error.reason, error.message)
    lines = (end.get("message") or "").strip().splitlines()
    tail = f"; its last line: {lines[-1][:300]}" if lines else ""
    if lines and NO_SPACE in lines[-1]:
        return Trouble(
            "DiskFull",
            f"container {container!r} found no space left to write to{tail}; write less, free the node's disk, or ask "
            f"for more in {fields.resources_of(container)}.requests.ephemeral-storage",
        )
    if fields.own_image and container == MAIN:
        what = f"spec.trainer.container ended with exit code {code}{tail}"
        return Trouble("ContainerFailed", f"{what}; see kubectl logs {name}")
    what = f"container {container!r} ended with exit code {code}"
    return Trouble("PodFailed", f"{what}; see kubectl logs {name} -c {container}")


def of_job(job: Object, pods: list[Object], result: Failed | None, fields: Fields = SPEC) -> Trouble:
    """Why a Job failed: its deadline, what the program wrote, what its pod says, or what the Job itself says."""
    reason, message = failure(job)
    if reason == "DeadlineExceeded":
        seconds = job["spec"].get("activeDeadlineSeconds")
        return Trouble(
            "DeadlineExceeded",
            f"it did not end within spec.activeDeadlineSeconds ({seconds}); raise it or make the work smaller",
        )
    found = ended(pods, fields)
    if found and fields.own_image:
        return found  # What our helper found to collect after that is no news.
    if result is not None:
        return Trouble(result.error.reason, result.error.message)
    if found:
        return found
    return Trouble(reason, message or "the Job failed, and its pods are gone")
