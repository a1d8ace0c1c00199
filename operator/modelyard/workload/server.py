"""Builds the pods that serve models and their Services, for pods of one model as well as of many."""

from __future__ import annotations

from typing import Any

from modelyard.engine.ownership import foreign
from modelyard.engine.resource import DEPLOYMENTS, Object
from modelyard.workload import template
from modelyard.workload.names import label, manifest, short_hash
from modelyard.workload.pod_metadata import pod_metadata
from modelyard.workload.run.failures import Fields
from modelyard_api.fields.artifact import canonical
from modelyard_api.fields.pods import PodTemplate, Resources

COMPONENT = "modelyard-server"
PORT = 8080
GRPC_PORT = 9000
VERSION = "modelyard.dev/version"
"""Label: the number of the version that a ModelDeployment's pods serve."""
DEFAULT_IMAGE = "modelyard.dev/default-image"
"""Annotation of the Deployment: the installation's image that its pods got; absent if spec.podTemplate names one."""
SPEC_DIGEST = "modelyard.dev/spec-digest"
"""Annotation of the Deployment: the digest of its spec as we built it, without the number of replicas."""
_KEEPS_ALL = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}}
DRAIN_SECONDS = 5
"""Time that a terminating pod still serves, until every kube-proxy and gateway has removed it."""
SERVICE_PORTS = [
    {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"},
    # h2c is Kubernetes' name for HTTP/2 without TLS; gateways recognize gRPC by it.
    {"name": "grpc", "port": GRPC_PORT, "targetPort": "grpc", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
]


def url(ip: str) -> str:
    """Returns the URL of the server in the pod with this IP address."""
    return f"http://[{ip}]:{PORT}" if ":" in ip else f"http://{ip}:{PORT}"


def written(selector: dict[str, str]) -> str:
    """Formats a label selector as ``key=value,...``, as kubectl accepts it."""
    return ",".join(f"{key}={value}" for key, value in selector.items())


def selector(deployment: str, number: int | None = None) -> dict[str, str]:
    """Returns the labels that select all pods of a ModelDeployment, or those of one version."""
    labels = {label("ModelDeployment"): deployment}
    return labels if number is None else labels | {VERSION: str(number)}


def image(own: str | None, child: Object | None, default: str) -> str:
    """Returns the image to use: the user's own, else the default image that the pods already have, else ``default``.

    So a new default never restarts running pods. The current image is read from an annotation of the Deployment, which
    can't be lost separately from its pods. The containers don't say it: somebody else may have given them another
    image, which is then set back. An image that spec.podTemplate named before but no longer names is not kept.
    """
    if own or child is None or foreign(child, ("f:metadata", "f:annotations", f"f:{DEFAULT_IMAGE}")):
        return own or default
    return str((child["metadata"].get("annotations") or {}).get(DEFAULT_IMAGE) or default)


def container(
    image: str,
    wanted: PodTemplate,
    default: Resources,
    mounts: list[template.Mount],
    args: list[str],
    start_seconds: int,
) -> dict[str, Any]:
    """Returns the container that serves; ``args`` are the server's arguments. It never has the pod's identity: another
    container fetches, so that a request that takes the server over can't ask the store for anything.
    """
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
        # HTTP readiness covers both ports: the server reports it only once gRPC listens too.
        startupProbe=_probe("/v2/health/ready", 1, start_seconds),
        readinessProbe=_probe("/v2/health/ready", 2, 2),
        livenessProbe=_probe("/v2/health/live", 5, 6),
        lifecycle={"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
    )


def pod(wanted: PodTemplate, volumes: list[template.Volume], selector: dict[str, str], **more: Any) -> dict[str, Any]:
    """Returns the spec of a serving pod.

    ``selector`` selects the pods that should run on other nodes. ``more`` holds the containers.
    """
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
        # The scheduler weighs topology spread less than a node's free resources, so anti-affinity is set as well.
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
    wanted: PodTemplate,
    progress_seconds: int,
    strategy: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
) -> Object:
    """Returns the Deployment of such pods, which have these ``annotations``. Without a ``strategy`` a rollout keeps all
    replicas available."""
    spec = {
        "selector": {"matchLabels": selector},
        "strategy": strategy or _KEEPS_ALL,
        "progressDeadlineSeconds": progress_seconds,
        "revisionHistoryLimit": 2,
        "template": {"metadata": pod_metadata(wanted, metadata["labels"], annotations or {}), "spec": pod},
    }
    digest = short_hash(canonical(spec).decode(), length=16)
    metadata["annotations"] = {SPEC_DIGEST: digest}
    if not wanted.image:
        metadata["annotations"][DEFAULT_IMAGE] = pod["containers"][0]["image"]
    return manifest(DEPLOYMENTS, metadata, spec=spec | {"replicas": replicas})


def is_current(child: Object, desired: Object) -> bool:
    """Whether the Deployment has the desired spec, apart from replicas, and its status describes that spec."""
    annotations = child["metadata"].get("annotations") or {}
    observed = (child.get("status") or {}).get("observedGeneration", 0) >= child["metadata"].get("generation", 0)
    return bool(observed and annotations.get(SPEC_DIGEST) == desired["metadata"]["annotations"][SPEC_DIGEST])


def fields(wanted: PodTemplate) -> Fields:
    """Returns the fields that messages about serving pods name."""
    return Fields(image="spec.podTemplate.image" if wanted.image else "images.server of the installation")


def ready_pods(ready: int, replicas: int, older: int) -> str:
    """Returns a message of how many pods are ready; ``older`` is the number of pods of an earlier template."""
    if ready > replicas:
        pods = "1 pod is" if ready == 1 else f"{ready} pods are"
        return f"{pods} ready, more than the {replicas} that are needed; the surplus is being stopped"
    earlier = f", but {older} {'pod has' if older == 1 else 'pods have'} an earlier podTemplate" if older > 0 else ""
    return f"{ready} of {replicas} pods are ready{earlier}"


def disruption_budget_spec(selector: dict[str, str], pods: int) -> dict[str, Any]:
    """Allows one of ``pods`` to be disrupted at a time, even the only one: otherwise its node could never be drained.

    For ``maxUnavailable`` Kubernetes asks the Deployment of each pod for its replicas, and warns of
    CalculateExpectedPodCountFailed, and refuses every eviction, while pods outlive the Deployment of a former version.
    """
    return {"minAvailable": max(pods - 1, 0), "selector": {"matchLabels": selector}}


def _probe(path: str, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
