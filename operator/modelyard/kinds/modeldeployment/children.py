"""The Deployment, the Service and the PodDisruptionBudget of a ModelDeployment."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import DEPLOYMENTS, DISRUPTION_BUDGETS, SERVICES, Object
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload import template
from modelyard.workload.names import child_metadata, label, manifest, short_hash
from modelyard_api.artifact import canonical
from modelyard_api.modelversion import ModelVersion

IMAGE_FROM = "modelyard.dev/image-from"
"""Annotation of the Deployment: PodTemplate or Installation."""
SPEC_DIGEST = "modelyard.dev/spec-digest"
"""Annotation of the Deployment: the digest of its spec as we made it, without what the API server adds."""
PORT = 8080
VERSION = label("ModelVersion")
MODEL_FOLDER = "/modelyard/model"
COMPONENT = "modelyard-server"
DRAIN_SECONDS = 5
"""How long a pod that is to end still serves: until every kube-proxy and gateway has heard of it."""
PROGRESS_SECONDS = 180


def selector(view: View) -> dict[str, str]:
    return {label("ModelDeployment"): view.deployment.name}


def url(view: View) -> str:
    return f"http://{view.deployment.name}.{view.deployment.namespace}.svc"


def image(view: View, version: ModelVersion) -> str:
    """A default image stays with the version that it serves, so that a new default never rolls running pods.

    It is read back from the Deployment itself, which can't be lost apart from the pods that it is about; an image
    that spec.podTemplate has named and names no more is not kept.
    """
    own, child = view.deployment.spec.pod_template.image, view.child
    if own or child is None:
        return own or view.installation.images.server
    meta = child["metadata"]
    same = (meta.get("labels") or {}).get(VERSION) == version.name
    if same and (meta.get("annotations") or {}).get(IMAGE_FROM) == "Installation":
        return str(child["spec"]["template"]["spec"]["containers"][0]["image"])
    return view.installation.images.server


def replicas(view: View) -> int:
    return 0 if view.deployment.spec.suspend else view.deployment.spec.replicas


def deployment(view: View, version: ModelVersion) -> Object:
    own = view.deployment.spec.pod_template.image
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT, {VERSION: version.name})
    spec = {
        "replicas": replicas(view),
        "selector": {"matchLabels": selector(view)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "progressDeadlineSeconds": PROGRESS_SECONDS,
        "revisionHistoryLimit": 2,
        "template": {"metadata": {"labels": dict(metadata["labels"])}, "spec": _pod(view, version)},
    }
    digest = short_hash(canonical(spec).decode(), length=16)
    metadata["annotations"] = {IMAGE_FROM: "PodTemplate" if own else "Installation", SPEC_DIGEST: digest}
    return manifest(DEPLOYMENTS, metadata, spec=spec)


def is_as_wanted(child: Object | None, wanted: Object) -> bool:
    """Whether the Deployment was applied as it is wanted now, and its status speaks of that."""
    if child is None:
        return False
    seen, applied = (item["metadata"].get("annotations") or {} for item in (child, wanted))
    generation = (child.get("status") or {}).get("observedGeneration", 0)
    return bool(seen.get(SPEC_DIGEST) == applied[SPEC_DIGEST] and generation >= child["metadata"].get("generation", 0))


def _pod(view: View, version: ModelVersion) -> dict[str, Any]:
    spec, default, server = view.deployment.spec, view.installation.resources.server, image(view, version)
    artifact = version.spec.artifact
    mount = {"name": "model", "mountPath": MODEL_FOLDER}
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
        [{**mount, "readOnly": True}],
        args=[
            "serve",
            f"--model-dir={MODEL_FOLDER}",
            f"--name={view.deployment.name}",
            f"--model-version={version.spec.number}",
            f"--port={PORT}",
        ],
        ports=[{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        startupProbe=_probe("/v2/health/ready", 1, 60),
        readinessProbe=_probe("/v2/health/ready", 2, 2),
        livenessProbe=_probe("/v2/health/live", 5, 6),
        lifecycle={"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
    )
    return template.pod(
        spec.pod_template,
        [template.empty("model")],
        initContainers=[fetch],
        containers=[serve],
        terminationGracePeriodSeconds=30 + DRAIN_SECONDS,
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(view)},
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
    )


def _probe(path: str, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def service(view: View) -> Object:
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT)
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}]
    return manifest(SERVICES, metadata, spec={"selector": selector(view), "ports": ports})


def disruption_budget(view: View) -> Object:
    """One pod at a time may be drained; with a single replica too, or its node could never be drained."""
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT)
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(view)}}
    return manifest(DISRUPTION_BUDGETS, metadata, spec=spec)
