"""The pods that we make: they pass the Pod Security Standard ``restricted``, with a read-only root file system."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from modelyard_api.fields.pods import PodTemplate, Resources
from modelyard_api.wire.task import ANNOTATION, IN_FOLDER, OUT_FOLDER, TASK_FILE, WORK_FOLDER

USER = 65532
Volume = dict[str, Any]
Mount = dict[str, Any]


def security() -> dict[str, Any]:
    """A container's security context."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def pod_security() -> dict[str, Any]:
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


_SUFFIXES = {"": 0, "m": -1, "k": 1, "M": 2, "G": 3, "T": 4}


def quantity(text: str) -> Decimal:
    """The value of a Kubernetes quantity such as ``500m`` or ``2Gi``."""
    number = text.rstrip("mkKMGTi")
    suffix = text[len(number) :]
    if suffix.endswith("i"):
        return Decimal(number) * Decimal(1024) ** ("KMGT".index(suffix[0]) + 1)
    return Decimal(number) * Decimal(1000) ** _SUFFIXES[suffix]


def resources(wanted: Resources | None, default: Resources) -> dict[str, Any]:
    """Requests and limits; what the user leaves out is the installation's.

    As with a LimitRange, a limit without a request is the request too. A request above the default limit raises the
    limit, and one of an extended resource (a GPU) is its limit: the API server refuses anything else.
    """
    asked = wanted or Resources()
    # In this order: what is asked for goes before a limit, and a limit before the default request.
    requests = {**default.requests, **asked.limits, **asked.requests}
    limits = {**default.limits, **asked.limits}
    for name, request in asked.requests.items():
        if name in asked.limits:
            continue
        if "/" in name or (name in limits and quantity(limits[name]) < quantity(request)):
            limits[name] = request
    return {"requests": requests, "limits": limits}


def container(
    name: str,
    image: str,
    template: PodTemplate,
    default: Resources,
    mounts: list[Mount],
    **more: Any,
) -> dict[str, Any]:
    """One container of a run: work and temporary files go to an emptyDir, messages come from the log on errors."""
    # Each name once: the API server answers 500 to an apply that has one twice.
    env = {"TMPDIR": WORK_FOLDER, "HOME": WORK_FOLDER, **{item.name: item.value for item in template.env}}
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": resources(template.resources, default),
        "securityContext": security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "work", "mountPath": WORK_FOLDER}, {"name": "tmp", "mountPath": "/tmp"}, *mounts],
        **more,
    }


TASK_MOUNT: Mount = {"name": "task", "mountPath": TASK_FILE.rsplit("/", 1)[0], "readOnly": True}
IN_MOUNT: Mount = {"name": "in", "mountPath": IN_FOLDER}
OUT_MOUNT: Mount = {"name": "out", "mountPath": OUT_FOLDER}


def task_volume() -> Volume:
    """The task, from the pod's own annotation: no ConfigMap, so one write less."""
    source = {"path": TASK_FILE.rsplit("/", 1)[1], "fieldRef": {"fieldPath": f"metadata.annotations['{ANNOTATION}']"}}
    return {"name": "task", "downwardAPI": {"items": [source]}}


def empty(name: str, size_limit: str | None = None) -> Volume:
    return {"name": name, "emptyDir": {"sizeLimit": size_limit} if size_limit else {}}


def pod(template: PodTemplate, volumes: list[Volume], **more: Any) -> dict[str, Any]:
    """A pod's spec; ``more`` holds its containers and whatever else is the caller's."""
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        "volumes": [empty("work"), empty("tmp"), *volumes],
        **more,
    }
    if template.node_selector:
        spec["nodeSelector"] = template.node_selector
    if template.tolerations:
        spec["tolerations"] = [item.wire() for item in template.tolerations]
    if template.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in template.image_pull_secrets]
    if template.priority_class_name:
        spec["priorityClassName"] = template.priority_class_name
    return spec
