"""Explains what went wrong in a pod, in messages that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from modelyard.engine.resource import Object
from modelyard.workload.conclude import Trouble
from modelyard.workload.run.disruptions import disruption, refusal
from modelyard.workload.run.exits import SIGKILLED, how_it_ended
from modelyard.workload.run.jobs import MAIN, failure
from modelyard_api.wire.redact import redacted
from modelyard_api.wire.result import Error, Failed

IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
CONFIG_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_OOM = "container init was OOM-killed"
"""What runc says where the limit is too low even to start the container."""
NO_SPACE = "No space left on device"
"""strerror(ENOSPC): the text in which programs report a full disk."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields from which a pod is made, so that a message can name the field to change."""

    image: str = "spec.podTemplate.image"
    resources: str = "spec.podTemplate.resources"
    own_image: str | None = None
    """The field of the user's own image, if the main container runs one. Other containers run the installation's."""
    deadline: str = "spec.activeDeadlineSeconds"
    mounted: Mapping[str, str] = field(default_factory=dict)
    """Image that is mounted as a volume -> its field. Kubernetes tells of it as of the container's own image."""

    def image_of(self, container: str) -> str:
        if self.own_image is None:
            return self.image
        return self.own_image if container == MAIN else _RUNTIME

    def resources_of(self, container: str) -> str:
        return self.resources if self.own_image is None or container == MAIN else _RUN


_RUNTIME, _RUN = "images.runtime of the installation", "resources.run of the installation"
SPEC = Fields()
INSTALLATION = Fields(_RUNTIME, _RUN)
"""For pods that no user's object describes."""


def statuses(pod: Object) -> list[dict[str, Any]]:
    """Returns the statuses of all containers, that of ``MAIN`` first."""
    status = pod.get("status") or {}
    items = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return sorted(items, key=lambda item: item["name"] != MAIN)


def has_ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def exit_code(pod: Object) -> int | None:
    """Returns the exit code of the container ``MAIN``, or None if it has not ended."""
    for status in statuses(pod):
        if status["name"] == MAIN:
            code = ((status.get("state") or {}).get("terminated") or {}).get("exitCode")
            return None if code is None else int(code)
    return None


def waiting(pods: list[Object], fields: Fields = SPEC) -> Trouble | None:
    """Returns why the newest pod that hasn't ended does not start, or None if no reason is known."""
    for pod in reversed(pods):
        if has_ended(pod):
            continue
        for status in statuses(pod):
            state = (status.get("state") or {}).get("waiting") or {}
            reason, detail = state.get("reason", ""), redacted(state.get("message", ""))
            if reason in IMAGE_REASONS:
                image, name = status.get("image"), status["name"]
                source = fields.image_of(name)
                for reference, field_ in fields.mounted.items():
                    if reference in detail:
                        image, source = reference, field_
                return Trouble(
                    "ImagePullFailed",
                    f"{source}: the image {image!r} of container {name!r} can't be pulled "
                    f"({_pull_error(reason, detail)}); "
                    "correct its name, push it, or name its credentials in imagePullSecrets",
                )
            if reason in CONFIG_REASONS and _OOM in detail:
                return _killed(pod, status["name"], fields)
            if reason in CONFIG_REASONS:
                return Trouble(reason, f"container {status['name']!r} can't be started: {detail}")
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return Trouble(
                    "Unschedulable",
                    f"no node can take the pod: {condition.get('message', '')}; "
                    f"lower {fields.resources}.requests, or correct nodeSelector and tolerations",
                )
    return None


def _pull_error(reason: str, detail: str) -> str:
    """Returns the same text while the kubelet alternates between a pull and the pause after it."""
    if reason == "ErrImagePull":
        reason = "ImagePullBackOff"
    # The message of the pause ends with that of the pull, after the name of its error.
    cause = (
        detail.split("ErrImagePull: ")[-1] if "ErrImagePull: " in detail or not detail.startswith("Back-off") else ""
    )
    cause = " ".join(cause.split())
    # The end is kept: it says why. What stands before it repeats the image's name, whose digest alone has 64 digits.
    return f"{reason}: {cause if len(cause) <= 300 else f'... {cause[-296:]}'}" if cause else reason


def _container(pod: Object, name: str) -> dict[str, Any]:
    spec = pod.get("spec") or {}
    items = (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
    return next((dict(item) for item in items if item["name"] == name), {})


def _limit(pod: Object, container: str) -> str | None:
    """Returns a container's memory limit, or None."""
    limits = (_container(pod, container).get("resources") or {}).get("limits") or {}
    return str(limits["memory"]) if "memory" in limits else None


def _may_be_out_of_memory(pod: Object, container: str, terminated: dict[str, Any]) -> bool:
    """Whether nothing else that is known explains the SIGKILL. On a busy node containerd may tell of a container's end
    before it tells of the lack of memory, and the pod's status then keeps the reason ``Error`` (seen: 12 of 120)."""
    stopped = pod["metadata"].get("deletionTimestamp") or "livenessProbe" in _container(pod, container)
    return terminated.get("exitCode") == SIGKILLED and _limit(pod, container) is not None and not stopped


def _killed(pod: Object, container: str, fields: Fields, how: str = "was killed for") -> Trouble:
    return Trouble(
        "OOMKilled",
        f"container {container!r} {how} using more than its memory limit of {_limit(pod, container) or 'none'}; "
        f"raise {fields.resources_of(container)}.limits.memory",
    )


def _reported_error(message: str) -> Error | None:
    """Returns the error in a termination message that our program wrote, or None."""
    try:
        document = orjson.loads(message)  # the standard library also accepts values that can't be written as JSON again
        return Failed.model_validate(document).error if document.get("kind") == "Failed" else None
    except (ValueError, AttributeError):
        return None


def is_being_created(pod: Object) -> bool:
    """Whether the pod has a node, but none of its containers has been started yet."""
    reasons = [((status.get("state") or {}).get("waiting") or {}).get("reason") for status in statuses(pod)]
    return bool(reasons) and all(reason in ("ContainerCreating", "PodInitializing") for reason in reasons)


def ended(pods: list[Object], fields: Fields = SPEC) -> Trouble | None:
    """Returns why the newest failed pod failed, or None. One that was deleted counts last: a Job that has failed
    deletes those of its pods that still run."""
    told_last = sorted(pods, key=lambda pod: not pod["metadata"].get("deletionTimestamp"))
    return next(filter(None, (_ended(pod, fields) for pod in reversed(told_last))), None)


def _ended(pod: Object, fields: Fields) -> Trouble | None:
    name = pod["metadata"]["name"]
    if not disruption(pod) and (cause := refusal(pod)):
        return _refused(pod, cause)
    if (pod.get("status") or {}).get("reason") == "Evicted":
        return _evicted(pod, fields)
    if cause := disruption(pod):
        return Trouble("Disrupted", f"pod {name} was stopped: {cause}; such an end does not count as a failed attempt")
    for status in statuses(pod):
        terminated = (status.get("state") or {}).get("terminated") or {}
        if terminated and terminated.get("exitCode") != 0:
            return exited(pod, status, terminated, fields)
    status = pod.get("status") or {}
    if status.get("phase") == "Failed" and status.get("reason"):
        # No container was ever started, for example because the node could not give it a device.
        message = f"pod {name} was refused by {_node(pod)}: {status['reason']}"
        return Trouble("PodFailed", f"{message}: {status.get('message', '')}")
    return None


def last_end(status: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the state of the end of a container, or of its last end before Kubernetes started it again, or None."""
    for state in (status.get("state"), status.get("lastState")):
        if terminated := (state or {}).get("terminated"):
            return dict(terminated)
    return None


def _refused(pod: Object, cause: str) -> Trouble:
    """Explains that a node is short of what the scheduler believed it had."""
    told = f"{_node(pod)} refused pod {pod['metadata']['name']}: {cause}"
    message = f"{told}; free the node, unless it recovers by itself; it does not count as a failed attempt"
    return Trouble("Evicted" if pod["status"]["reason"] == "Evicted" else "Disrupted", message)


def _node(pod: Object) -> str:
    return f"node {pod['spec'].get('nodeName', '')!r}"


def _evicted(pod: Object, fields: Fields) -> Trouble:
    """Explains an eviction by the kubelet: the pod used too much, which counts as a failure, or its node ran short."""
    # Cut the message before the list of what each container used.
    cause = str(pod["status"].get("message", "")).split(". Container ")[0].strip().rstrip(".")
    if disruption(pod):
        request = f"{fields.resources}.requests.{'memory' if 'resource: memory' in cause else 'ephemeral-storage'}"
        message = f"free {_node(pod)}, or ask for what the pod uses in {request}; it does not count as a failed attempt"
    else:
        message = f"raise {fields.resources}.limits.ephemeral-storage, or write less to /tmp and the work folder"
    return Trouble("Evicted", f"the pod was evicted: {cause}; {message}")


def exited(pod: Object, status: dict[str, Any], terminated: dict[str, Any], fields: Fields) -> Trouble:
    """Explains a container that ended, and shouldn't have; ``terminated`` is its state."""
    name, container = pod["metadata"]["name"], status["name"]
    if terminated.get("reason") == "OOMKilled" or _OOM in (terminated.get("message") or ""):
        return _killed(pod, container, fields)
    error = _reported_error(terminated.get("message") or "")
    if error:
        return Trouble(error.reason, redacted(error.message))
    lines = redacted(terminated.get("message") or "").strip().splitlines()
    tail = f"; its last line: {lines[-1][:300]}" if lines else ""
    if lines and NO_SPACE in lines[-1]:
        return Trouble(
            "DiskFull",
            f"container {container!r} found no space left to write to{tail}; write less, free the node's disk, or ask "
            f"for more in {fields.resources_of(container)}.requests.ephemeral-storage",
        )
    if _may_be_out_of_memory(pod, container, terminated):
        killed = _killed(pod, container, fields, f"{how_it_ended(terminated)}, most likely for")
        return Trouble(killed.reason, f"{killed.message}{tail}")
    if fields.own_image and container == MAIN:
        end = f"{fields.own_image.removesuffix('.image')} {how_it_ended(terminated)}{tail}"
        return Trouble("ContainerFailed", f"{end}; see kubectl logs {name}")
    end = f"container {container!r} {how_it_ended(terminated)}{tail}"
    if terminated.get("exitCode") == 0:
        end += ", as one does that is stopped because it did not answer its probes"
    return Trouble("PodFailed", f"{end}; see kubectl logs {name} -c {container}")


def past_deadline(job: Object, grace_seconds: int, fields: Fields = SPEC) -> Trouble:
    """Returns that the pods of a Job that has missed its deadline are being stopped, before the Job itself fails."""
    seconds = job["spec"].get("activeDeadlineSeconds")
    return Trouble(
        "DeadlineExceeded",
        f"it did not end within {fields.deadline} ({seconds}), so its pod is being stopped, which may take "
        f"{grace_seconds} s; then the run has failed. Raise it or make the work smaller",
    )


def of_job(job: Object, pods: list[Object], result: Failed | None, fields: Fields = SPEC) -> Trouble:
    """Returns why a Job failed: from its deadline, the program's result, its pods, or else the Job's own condition."""
    reason, message = failure(job)
    if reason == "DeadlineExceeded":
        seconds = job["spec"].get("activeDeadlineSeconds")
        return Trouble(
            "DeadlineExceeded",
            f"it did not end within {fields.deadline} ({seconds}); raise it or make the work smaller",
        )
    pod_trouble = ended(pods, fields)
    if pod_trouble and fields.own_image:
        return pod_trouble  # ignore the result, which our helper collected after the user's container had failed
    if result is not None:
        return Trouble(result.error.reason, result.error.message)
    if pod_trouble:
        return pod_trouble
    return Trouble(reason, message or "the Job failed, and its pods are gone")
