"""The serving pods: a Deployment for each version that serves."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import DEPLOYMENTS, Object
from modelyard.kinds.modeldeployment.advance import Pods
from modelyard.kinds.modeldeployment.names import COMPONENT, GRPC_PORT, PORT, VERSION, number_of, selector, versioned
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload import template
from modelyard.workload.names import child_metadata, label, manifest, short_hash
from modelyard_api.artifact import canonical
from modelyard_api.modelversion import ModelVersion

IMAGE_FROM = "modelyard.dev/image-from"
"""Annotation of the Deployment: PodTemplate or Installation."""
SPEC_DIGEST = "modelyard.dev/spec-digest"
"""Annotation of the Deployment: the digest of its spec as we made it, without its number of replicas."""
MODEL_FOLDER = "/modelyard/model"
LOG_FOLDER = "/modelyard/log"
LOG_MEBIBYTES, LOG_SLACK_MEBIBYTES = 256, 64
"""Of the payload log's files, and what one being written may come to: beyond both the kubelet evicts the pod."""
DRAIN_SECONDS = 5
"""How long a pod that is to end still serves: until every kube-proxy and gateway has heard of it."""
PROGRESS_SECONDS = 180


def image(view: View, version: ModelVersion) -> str:
    """A default image stays with the version that it serves, so that a new default never rolls running pods.

    It is read back from the Deployment itself, which can't be lost apart from the pods that it is about; an image
    that spec.podTemplate has named and names no more is not kept.
    """
    own, child = view.deployment.spec.pod_template.image, child_of(view, version.spec.number)
    if own or child is None:
        return own or view.installation.images.server
    if (child["metadata"].get("annotations") or {}).get(IMAGE_FROM) == "Installation":
        return str(child["spec"]["template"]["spec"]["containers"][0]["image"])
    return view.installation.images.server


def child_of(view: View, number: int) -> Object | None:
    return next((child for child in view.pods if number_of(child) == number), None)


def serves(child: Object, version: ModelVersion) -> bool:
    """Whether these are the pods of this version; another Model's may have the same number."""
    return bool(child["metadata"]["labels"].get(label("ModelVersion")) == version.name)


def deployment(view: View, version: ModelVersion, replicas: int) -> Object:
    own, number = view.deployment.spec.pod_template.image, version.spec.number
    labels = {VERSION: str(number), label("ModelVersion"): version.name}
    metadata = child_metadata(view.raw, versioned(view, number), COMPONENT, labels)
    spec = {
        "selector": {"matchLabels": selector(view, number)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "progressDeadlineSeconds": PROGRESS_SECONDS,
        "revisionHistoryLimit": 2,
        "template": {"metadata": {"labels": dict(metadata["labels"])}, "spec": _pod(view, version)},
    }
    digest = short_hash(canonical(spec).decode(), length=16)
    metadata["annotations"] = {IMAGE_FROM: "PodTemplate" if own else "Installation", SPEC_DIGEST: digest}
    return manifest(DEPLOYMENTS, metadata, spec=spec | {"replicas": replicas})


def counted(view: View, version: ModelVersion) -> Pods:
    """What there is of a version's pods."""
    number = version.spec.number
    child = child_of(view, number)
    if child is None:
        return Pods()
    seen = child["metadata"].get("annotations") or {}
    applied = deployment(view, version, 0)["metadata"]["annotations"]
    counts = child.get("status") or {}
    known = counts.get("observedGeneration", 0) >= child["metadata"].get("generation", 0)
    return Pods(
        wanted=child["spec"].get("replicas", 1),
        total=counts.get("replicas", 0),
        available=counts.get("availableReplicas", 0),
        updated=counts.get("updatedReplicas", 0),
        current=bool(known and seen.get(SPEC_DIGEST) == applied[SPEC_DIGEST]),
    )


def _pod(view: View, version: ModelVersion) -> dict[str, Any]:
    spec, default, server = view.deployment.spec, view.installation.resources.server, image(view, version)
    artifact = version.spec.artifact
    mount = {"name": "model", "mountPath": MODEL_FOLDER}
    log_volumes, log_mounts, log_args = _log(spec.logging.sample_rate)
    fetch = template.container(
        "fetch",
        server,
        spec.pod_template,
        default,
        [mount],
        args=[
            "fetch",
            f"--uri={artifact.uri}",
            f"--digest={artifact.digest}",
            f"--tracking-url={view.installation.tracking_url}",
            f"--to={MODEL_FOLDER}",
        ],
    )
    serve = template.container(
        "server",
        server,
        spec.pod_template,
        default,
        [{**mount, "readOnly": True}, *log_mounts],
        args=[
            "serve",
            f"--model-dir={MODEL_FOLDER}",
            f"--name={view.deployment.name}",
            f"--model-version={version.spec.number}",
            f"--port={PORT}",
            f"--grpc-port={GRPC_PORT}",
            *log_args,
        ],
        ports=[
            {"name": "http", "containerPort": PORT, "protocol": "TCP"},
            {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
        ],
        # HTTP's readiness speaks for both: it is given once gRPC listens too.
        startupProbe=_probe("/v2/health/ready", 1, 60),
        readinessProbe=_probe("/v2/health/ready", 2, 2),
        livenessProbe=_probe("/v2/health/live", 5, 6),
        lifecycle={"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
    )
    return template.pod(
        spec.pod_template,
        [template.empty("model"), *log_volumes],
        initContainers=[fetch],
        containers=[serve],
        terminationGracePeriodSeconds=30 + DRAIN_SECONDS,
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(view, version.spec.number)},
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
                            "labelSelector": {"matchLabels": selector(view, version.spec.number)},
                        },
                    }
                ]
            }
        },
    )


def _log(rate: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """Volumes, mounts and arguments of the payload log, none where nothing is logged."""
    if not rate:
        return [], [], []
    args = [f"--log-sample-rate={rate}", f"--log-dir={LOG_FOLDER}", f"--log-bytes={LOG_MEBIBYTES << 20}"]
    volume = template.empty("log", f"{LOG_MEBIBYTES + LOG_SLACK_MEBIBYTES}Mi")
    return [volume], [{"name": "log", "mountPath": LOG_FOLDER}], args


def _probe(path: str, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
