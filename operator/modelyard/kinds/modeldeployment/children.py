"""The Deployment, the Service and the PodDisruptionBudget of a ModelDeployment."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import DEPLOYMENTS, DISRUPTION_BUDGETS, SERVICES, Object
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload import template
from modelyard.workload.names import child_metadata, label, manifest
from modelyard_api.modelversion import ModelVersion

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
    """Recorded with the version that it serves, so that a new default never rolls a running deployment."""
    status, spec = view.deployment.status, view.deployment.spec
    if spec.pod_template.image:
        return spec.pod_template.image
    serving = version.spec.number == (status.candidate or status.stable)
    return status.image if serving and status.image else view.installation.images.server


def deployment(view: View, version: ModelVersion) -> Object:
    spec = view.deployment.spec
    labels = {**selector(view), VERSION: version.name}
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT, {VERSION: version.name})
    return manifest(
        DEPLOYMENTS,
        metadata,
        spec={
            "replicas": 0 if spec.suspend else spec.replicas,
            "selector": {"matchLabels": selector(view)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "progressDeadlineSeconds": PROGRESS_SECONDS,
            "revisionHistoryLimit": 2,
            "template": {"metadata": {"labels": {**metadata["labels"], **labels}}, "spec": _pod(view, version)},
        },
    )


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
