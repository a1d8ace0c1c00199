"""Builds pods that pass the Pod Security Standard ``restricted``, with a read-only root file system."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from modelyard.workload.run.jobs import MAIN
from modelyard_api.fields.pods import PodTemplate, Resources
from modelyard_api.fields.scheduling import Affinity
from modelyard_api.wire.identity import AUDIENCE, IDENTITY_FOLDER, TOKEN, TOKEN_SECONDS
from modelyard_api.wire.task import ANNOTATION, IN_FOLDER, OUT_FOLDER, TASK_FILE, WORK_FOLDER

USER = 65532
SHARED_BY_OURS, APART = ("work", "tmp"), ("apart-work", "apart-tmp")
"""The emptyDirs for work and for temporary files of containers with the pod's identity, and of those without."""
Volume = dict[str, Any]
Mount = dict[str, Any]


def security() -> dict[str, Any]:
    """Returns a container's security context."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def pod_security() -> dict[str, Any]:
    """Returns a pod's security context."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


_SUFFIXES = {"": 0, "m": -1, "k": 1, "M": 2, "G": 3, "T": 4}


def quantity(text: str) -> Decimal:
    """Returns the value of a Kubernetes quantity such as ``500m`` or ``2Gi``."""
    number = text.rstrip("mkKMGTi")
    suffix = text[len(number) :]
    if suffix.endswith("i"):
        return Decimal(number) * Decimal(1024) ** ("KMGT".index(suffix[0]) + 1)
    return Decimal(number) * Decimal(1000) ** _SUFFIXES[suffix]


def resources(wanted: Resources | None, default: Resources) -> dict[str, Any]:
    """Returns requests and limits, with the installation's defaults for what the user leaves out.

    As with a LimitRange, a limit without a request is also the request. A request above the default limit raises the
    limit, and a request of an extended resource (a GPU) is also its limit: the API server rejects anything else.
    """
    asked = wanted or Resources()
    # Later entries win: the user's request over the user's limit, and that over the default request.
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
    asks_store: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Returns one container. Work and temporary files go to emptyDirs; on errors its message is the end of its log.

    ``asks_store`` is for our own program alone: the container gets the pod's identity. It shares no folder for work
    with a container that doesn't: Python would run what somebody had left in its home.
    """
    work, tmp = SHARED_BY_OURS if asks_store else APART
    # A dict makes each name unique: the API server answers 500 to an apply that has a name twice.
    env = {"TMPDIR": WORK_FOLDER, "HOME": WORK_FOLDER, **{item.name: item.value for item in template.env}}
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": resources(template.resources, default),
        "securityContext": security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": work, "mountPath": WORK_FOLDER},
            {"name": tmp, "mountPath": "/tmp"},
            *([IDENTITY_MOUNT] if asks_store else []),
            *mounts,
        ],
        **more,
    }


TASK_MOUNT: Mount = {"name": "task", "mountPath": TASK_FILE.rsplit("/", 1)[0], "readOnly": True}
IDENTITY_MOUNT: Mount = {"name": "identity", "mountPath": IDENTITY_FOLDER, "readOnly": True}
IN_MOUNT: Mount = {"name": "in", "mountPath": IN_FOLDER}
OUT_MOUNT: Mount = {"name": "out", "mountPath": OUT_FOLDER}


def task_volume() -> Volume:
    """Returns the volume with the task, which is the pod's own annotation: this saves the write of a ConfigMap."""
    source = {"path": TASK_FILE.rsplit("/", 1)[1], "fieldRef": {"fieldPath": f"metadata.annotations['{ANNOTATION}']"}}
    return {"name": "task", "downwardAPI": {"items": [source]}}


def identity_volume() -> Volume:
    """Returns the volume with the token that says to the tracking server, and to nobody else, which pod this is.

    The kubelet lets the group of ``pod_security`` read it.
    """
    token = {"audience": AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": TOKEN}
    return {"name": "identity", "projected": {"sources": [{"serviceAccountToken": token}], "defaultMode": 0o440}}


def empty(name: str, size_limit: str | None = None) -> Volume:
    """Returns an emptyDir volume."""
    return {"name": name, "emptyDir": {"sizeLimit": size_limit} if size_limit else {}}


def pod(template: PodTemplate, volumes: list[Volume], **more: Any) -> dict[str, Any]:
    """Returns a pod's spec. ``more`` holds its containers and any other fields of the caller. The volumes that every
    container may have are added as they are mounted.

    No service account can bring its token into a pod: ``automountServiceAccountToken`` of the pod wins over its own.
    """
    containers = (*more.get("initContainers", ()), *more["containers"])
    mounted = {mount["name"] for container in containers for mount in container["volumeMounts"]}
    common = [*(empty(name) for name in (*SHARED_BY_OURS, *APART)), identity_volume()]
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        "volumes": [*(volume for volume in common if volume["name"] in mounted), *volumes],
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
    if template.service_account_name:
        spec["serviceAccountName"] = template.service_account_name
        # The API server fills in the deprecated name beside it. Owned by nobody, that would stay and bring both back
        # when an apply leaves the name out.
        spec["serviceAccount"] = template.service_account_name
    if template.affinity:
        spec["affinity"] = _affinity(template.affinity, more.get("affinity") or {})
    if template.topology_spread_constraints:
        own = [_sparse(item.wire()) for item in template.topology_spread_constraints]
        # Kubernetes refuses two constraints with the same key and the same way to handle pods that can't be spread.
        known = [_spread_key(item) for item in own]
        ours = more.get("topologySpreadConstraints") or []
        spec["topologySpreadConstraints"] = [*own, *(item for item in ours if _spread_key(item) not in known)]
    return spec


def _spread_key(constraint: dict[str, Any]) -> tuple[str, str]:
    return constraint["topologyKey"], constraint["whenUnsatisfiable"]


def _affinity(affinity: Affinity, ours: dict[str, Any]) -> dict[str, Any]:
    """Returns the user's affinity with the preferences of the operator, which don't exclude any node, added to it."""
    result: dict[str, Any] = _sparse(affinity.wire())
    for kind, rules in ours.items():
        part = result.setdefault(kind, {})
        for name, terms in rules.items():
            part[name] = [*part.get(name, ()), *terms]
    return result


def _sparse(value: Any) -> Any:
    """Leaves out empty lists and maps of maps, but an empty label selector stays, since it selects all pods."""
    if isinstance(value, list):
        return [_sparse(item) for item in value]
    if isinstance(value, dict):
        items = {key: _sparse(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in ([], {}) or key == "labelSelector"}
    return value


def program(
    command: str,
    image: str,
    template: PodTemplate,
    default: Resources,
    *,
    mounts: Iterable[Mount] = (),
    volumes: Iterable[Volume] = (),
) -> dict[str, Any]:
    """Returns the spec of a pod with one container, which runs a ``command`` of our runtime on the task.

    It has the pod's identity, also where a script of the user's runs in it: both are one process. So the script can do
    what the pod may, which is what its own task names.
    """
    main = container(MAIN, image, template, default, [TASK_MOUNT, *mounts], asks_store=True, args=[command])
    return pod(template, [task_volume(), *volumes], containers=[main])
