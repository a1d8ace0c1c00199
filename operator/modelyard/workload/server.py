"""The pods that serve models, and how they are reached: what those of one model and those of many have in common."""

from __future__ import annotations

from typing import Any

from modelyard.engine.conditions import find
from modelyard.engine.resource import DEPLOYMENTS, Object
from modelyard.workload import template
from modelyard.workload.failures import Trouble
from modelyard.workload.names import manifest, short_hash
from modelyard_api.fields.artifact import canonical
from modelyard_api.fields.pods import PodTemplate, Resources

COMPONENT = "modelyard-server"
PORT = 8080
GRPC_PORT = 9000
IMAGE_FROM = "modelyard.dev/image-from"
"""Annotation of the Deployment: PodTemplate or Installation."""
SPEC_DIGEST = "modelyard.dev/spec-digest"
"""Annotation of the Deployment: the digest of its spec as we made it, without its number of replicas."""
DRAIN_SECONDS = 5
"""How long a pod that is to end still serves: until every kube-proxy and gateway has heard of it."""
SERVICE_PORTS = [
    {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"},
    # What Kubernetes calls HTTP/2 without TLS, which is how gateways know that it is gRPC.
    {"name": "grpc", "port": GRPC_PORT, "targetPort": "grpc", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
]


def url(ip: str) -> str:
    """Of a pod's server."""
    return f"http://[{ip}]:{PORT}" if ":" in ip else f"http://{ip}:{PORT}"


def written(selector: dict[str, str]) -> str:
    """As kubectl takes it."""
    return ",".join(f"{key}={value}" for key, value in selector.items())


def image(own: str | None, child: Object | None, default: str) -> str:
    """A default image stays with the pods that have it, so that a new default never rolls running ones.

    It is read back from the Deployment itself, which can't be lost apart from the pods that it is about; an image
    that spec.podTemplate has named and names no more is not kept.
    """
    if own or child is None:
        return own or default
    if (child["metadata"].get("annotations") or {}).get(IMAGE_FROM) == "Installation":
        return str(child["spec"]["template"]["spec"]["containers"][0]["image"])
    return default


def container(
    image: str,
    wanted: PodTemplate,
    default: Resources,
    mounts: list[template.Mount],
    args: list[str],
    start_seconds: int,
) -> dict[str, Any]:
    """The one that serves; ``args`` say what."""
    return template.container(
        "server",
        image,
        wanted,
        default,
        mounts,
        args=args,
        ports=[
            {"name": "http", "containerPort": PORT, "protocol": "TCP"},
            {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
        ],
        # HTTP's readiness speaks for both: it is given once gRPC listens too.
        startupProbe=_probe("/v2/health/ready", 1, start_seconds),
        readinessProbe=_probe("/v2/health/ready", 2, 2),
        livenessProbe=_probe("/v2/health/live", 5, 6),
        lifecycle={"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
    )


def pod(wanted: PodTemplate, volumes: list[template.Volume], selector: dict[str, str], **more: Any) -> dict[str, Any]:
    """Its spec; ``more`` holds its containers. ``selector``: of the pods that it should not be on one node with."""
    return template.pod(
        wanted,
        volumes,
        **more,
        terminationGracePeriodSeconds=30 + DRAIN_SECONDS,
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector},
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
        # Beside the spread, which the scheduler weighs less than what a node has free.
        affinity={
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 100,
                        "podAffinityTerm": {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {"matchLabels": selector},
                        },
                    }
                ]
            }
        },
    )


def deployment(
    metadata: dict[str, Any],
    selector: dict[str, str],
    pod: dict[str, Any],
    replicas: int,
    own_image: str | None,
    progress_seconds: int,
) -> Object:
    """Of such pods, replaced one by one."""
    spec = {
        "selector": {"matchLabels": selector},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "progressDeadlineSeconds": progress_seconds,
        "revisionHistoryLimit": 2,
        "template": {"metadata": {"labels": dict(metadata["labels"])}, "spec": pod},
    }
    digest = short_hash(canonical(spec).decode(), length=16)
    metadata["annotations"] = {IMAGE_FROM: "PodTemplate" if own_image else "Installation", SPEC_DIGEST: digest}
    return manifest(DEPLOYMENTS, metadata, spec=spec | {"replicas": replicas})


def is_current(child: Object, wanted: Object) -> bool:
    """Whether the Deployment is the wanted one but for its replicas, and its counts speak of that."""
    seen = child["metadata"].get("annotations") or {}
    known = (child.get("status") or {}).get("observedGeneration", 0) >= child["metadata"].get("generation", 0)
    return bool(known and seen.get(SPEC_DIGEST) == wanted["metadata"]["annotations"][SPEC_DIGEST])


def stuck(child: Object, progress_seconds: int, pods: str, fix: str = "podTemplate") -> Trouble | None:
    """Why the pods of a Deployment that is current won't come by themselves; ``pods`` selects them, ``fix`` says what
    may have to be corrected where they don't get ready."""
    refused = find(child, "ReplicaFailure")
    if refused is not None and refused["status"] == "True":
        why = f"pods can't be made: {refused.get('message', '')}; correct podTemplate, or what it needs"
        return Trouble("ChildForbidden", why)
    late = find(child, "Progressing")
    if late is not None and late["status"] == "False":
        why = (
            f"not all pods are ready after {progress_seconds} s ({late.get('message', '')}); "
            f"see kubectl describe pods -l {pods}, then correct {fix}"
        )
        return Trouble("RolloutFailed", why)
    return None


def disruption_budget_spec(selector: dict[str, str]) -> dict[str, Any]:
    """One pod at a time may be drained; with a single replica too, or its node could never be drained."""
    return {"maxUnavailable": 1, "selector": {"matchLabels": selector}}


def _probe(path: str, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
