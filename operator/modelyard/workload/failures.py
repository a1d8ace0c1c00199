"""What went wrong in a pod, in words that say what to do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from modelyard.engine.resource import Object
from modelyard.workload.jobs import MAIN, failure
from modelyard_api.result import Error, Failed

IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
CONFIG_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


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


_RUNTIME = "images.runtime of the installation"
SPEC = Fields()
INSTALLATION = Fields(_RUNTIME, "resources.run of the installation")
"""Of pods that no object of the user's describes."""


@dataclass(frozen=True, slots=True)
class Trouble:
    reason: str
    message: str


def _statuses(pod: Object) -> list[dict[str, Any]]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def waiting(pods: list[Object], fields: Fields = SPEC) -> Trouble | None:
    """Why the newest pod that hasn't ended does not start, if it says so."""
    for pod in reversed(pods):
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        for status in _statuses(pod):
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
    for spec in (pod.get("spec") or {}).get("containers") or ():
        if spec["name"] == container:
            return str(((spec.get("resources") or {}).get("limits") or {}).get("memory", "none"))
    return "none"


def _said(message: str) -> Error | None:
    """The error in a termination message of ours."""
    try:
        document = json.loads(message)
        return Failed.model_validate(document).error if document.get("kind") == "Failed" else None
    except (ValueError, AttributeError):
        return None


def ended(pods: list[Object], fields: Fields = SPEC) -> Trouble | None:
    """Why the newest pod that failed did so."""
    for pod in reversed(pods):
        if (pod.get("status") or {}).get("reason") == "Evicted":
            return Trouble("Evicted", f"the pod was evicted: {pod['status'].get('message', '')}")
        # The container whose exit code counts, before the helpers around it.
        for status in sorted(_statuses(pod), key=lambda status: status["name"] != MAIN):
            end = (status.get("state") or {}).get("terminated") or {}
            if not end or end.get("exitCode") == 0:
                continue
            if end.get("reason") == "OOMKilled":
                limit = _limit(pod, status["name"])
                return Trouble(
                    "OOMKilled",
                    f"container {status['name']!r} used more memory than its limit of {limit}; "
                    f"raise {fields.resources}.limits.memory",
                )
            error = _said(end.get("message") or "")
            if error:
                return Trouble(error.reason, error.message)
            lines = (end.get("message") or "").strip().splitlines()
            tail = f"; its last line: {lines[-1][:300]}" if lines else ""
            if fields.own_image and status["name"] == MAIN:
                return Trouble(
                    "ContainerFailed",
                    f"spec.trainer.container ended with exit code {end.get('exitCode')}{tail}; "
                    f"see kubectl logs {pod['metadata']['name']}",
                )
            return Trouble(
                "PodFailed",
                f"container {status['name']!r} ended with exit code {end.get('exitCode')}; "
                f"see kubectl logs {pod['metadata']['name']} -c {status['name']}",
            )
    return None


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
    if found and fields.own_image and found.reason in ("ContainerFailed", "OOMKilled"):
        return found  # What our helper found to collect after that is no news.
    if result is not None:
        return Trouble(result.error.reason, result.error.message)
    if found:
        return found
    return Trouble(reason, message or "the Job failed, and its pods are gone")
