"""Builds the Deployments of serving pods, one for each version that serves."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import Object
from modelyard.kinds.modeldeployment.names import number_of, selector, version_name_of, versioned
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.workload import server, template
from modelyard.workload.foreign import artifact_of
from modelyard.workload.names import child_metadata, label
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.wire.identity import READS

MODEL_FOLDER = "/modelyard/model"
LOG_FOLDER = "/modelyard/log"
LOG_MEBIBYTES, LOG_SLACK_MEBIBYTES = 256, 64
"""Limit of the payload log's files, and room for a file being written; beyond the sum the kubelet evicts the pod."""
PROGRESS_SECONDS = 180
START_SECONDS = 60


def image(view: View, version: ModelVersion) -> str:
    """Returns the image that the version's pods have, or will have."""
    own, child = view.deployment.spec.pod_template.image, child_of(view, version.spec.number)
    return server.image(own, child, view.installation.images.server)


def child_of(view: View, number: int) -> Object | None:
    return next((child for child in view.pods if number_of(child) == number), None)


def serves(child: Object, version: ModelVersion) -> bool:
    """Whether the Deployment serves this version: another Model's version may have the same number."""
    return version_name_of(child) == version.name


def deployment(view: View, version: ModelVersion, replicas: int) -> Object:
    wanted, number = view.deployment.spec.pod_template, version.spec.number
    labels = {server.VERSION: str(number), label("ModelVersion"): version.name}
    metadata = child_metadata(view.raw, versioned(view, number), server.COMPONENT, labels)
    return server.deployment(
        metadata,
        selector(view, number),
        _pod(view, version),
        replicas,
        wanted,
        PROGRESS_SECONDS,
        annotations={READS: version.spec.artifact.uri},
    )


def pods_of(view: View, version: ModelVersion) -> Pods:
    """Returns the counts of a version's pods from the status of its Deployment."""
    number = version.spec.number
    child = child_of(view, number)
    if child is None:
        return Pods()
    counts = child.get("status") or {}
    return Pods(
        wanted=child["spec"].get("replicas", 1),
        total=counts.get("replicas", 0),
        available=counts.get("availableReplicas", 0),
        updated=counts.get("updatedReplicas", 0),
        current=server.is_current(child, deployment(view, version, 0)),
    )


def _pod(view: View, version: ModelVersion) -> dict[str, Any]:
    spec, default, used = view.deployment.spec, view.installation.resources.server, image(view, version)
    artifact = artifact_of(version)
    mount = {"name": "model", "mountPath": MODEL_FOLDER}
    log_volumes, log_mounts, log_args = _log(spec.logging.sample_rate)
    fetch = template.container(
        "fetch",
        used,
        spec.pod_template,
        default,
        [mount],
        asks_store=True,
        args=[
            "fetch",
            f"--uri={artifact.uri}",
            f"--digest={artifact.digest}",
            f"--tracking-url={view.installation.tracking_url}",
            f"--to={MODEL_FOLDER}",
        ],
    )
    serve = server.container(
        used,
        spec.pod_template,
        default,
        [{**mount, "readOnly": True}, *log_mounts],
        [
            "serve",
            f"--model-dir={MODEL_FOLDER}",
            f"--name={view.deployment.name}",
            f"--model-version={version.spec.number}",
            f"--port={server.PORT}",
            f"--grpc-port={server.GRPC_PORT}",
            *log_args,
        ],
        START_SECONDS,
    )
    return server.pod(
        spec.pod_template,
        [template.empty("model"), *log_volumes],
        selector(view, version.spec.number),
        initContainers=[fetch],
        containers=[serve],
    )


def _log(rate: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """Returns the volumes, mounts and arguments of the payload log; all are empty if nothing is logged."""
    if not rate:
        return [], [], []
    args = [f"--log-sample-rate={rate}", f"--log-dir={LOG_FOLDER}", f"--log-bytes={LOG_MEBIBYTES << 20}"]
    volume = template.empty("log", f"{LOG_MEBIBYTES + LOG_SLACK_MEBIBYTES}Mi")
    return [volume], [{"name": "log", "mountPath": LOG_FOLDER}], args
