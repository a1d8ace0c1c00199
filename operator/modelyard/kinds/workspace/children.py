"""Builds a Workspace's children: one Deployment of one pod, its Service, and the volume that outlives the pod."""

from __future__ import annotations

import json
from typing import Any

from modelyard.engine.plan import Page, PodsWith
from modelyard.engine.resource import CLAIMS, SERVICES, Object
from modelyard.kinds.workspace.observe import STARTED_WITH, View, child_name, runs
from modelyard.workload import server, template
from modelyard.workload.data import uri_of
from modelyard.workload.names import child_metadata, label, manifest
from modelyard.workload.run.failures import Fields
from modelyard.workload.run.task import addresses
from modelyard.workload.unready import Described
from modelyard_api.fields.artifact import RESULT_JSON, canonical, folder
from modelyard_api.fields.pods import PodTemplate
from modelyard_api.wire.task import ANNOTATION, DATA_FOLDER, BringTask, Table
from modelyard_api.wire.workspace import HEALTH_PATH, PEOPLE_FOLDER, VOLUME

COMPONENT = "modelyard-workspace"
PORT = 8888
PROGRESS_SECONDS, START_SECONDS = 900, 600
"""Long limits: the first start brings the data and a large image, and a volume may have to be made."""
GRACE_SECONDS = 30
"""The entrypoint needs about 4 s of them, and more to recover many large notebooks."""


def selector(name: str) -> dict[str, str]:
    """Returns the label selector of the pod."""
    return {label("Workspace"): name}


def pods_need(view: View) -> PodsWith:
    return PodsWith(view.workspace.namespace, server.written(selector(view.workspace.name)))


def health(pod: Object) -> Page:
    """Returns the need for what a ready pod's entrypoint says."""
    return Page(f"{server.url(pod['status']['podIP'])}{HEALTH_PATH}")


def url(view: View) -> str:
    return f"http://{child_name(view.workspace.name)}.{view.workspace.namespace}.svc/lab"


def image(view: View) -> str:
    """Returns the pod's image: a new default doesn't restart a pod that runs."""
    running = view.pods if runs(view.pods) else None
    return server.image(view.workspace.spec.pod_template.image, running, view.installation.images.workspace)


def table(version: Object) -> Table:
    """Returns what the pod is told of a DatasetVersion. Raises Fails if its rows are another namespace's."""
    spec = version["spec"]
    return Table(
        dataset=spec["datasetRef"]["name"],
        version=version["metadata"]["name"],
        uri=uri_of(version),
        files=spec.get("files") or [],
    )


def described(view: View) -> Described:
    """Returns what messages about a pod that is not ready name."""
    own = view.workspace.spec.pod_template.image
    fields = Fields(image="spec.podTemplate.image" if own else "images.workspace of the installation")
    return Described(pods_need(view), fields, PROGRESS_SECONDS, fetched="data")


def deployment(view: View, tables: list[Table], replicas: int = 1) -> Object:
    workspace, spec = view.workspace, view.workspace.spec
    metadata = child_metadata(view.raw, child_name(workspace.name), COMPONENT)
    result = server.deployment(
        metadata,
        selector(workspace.name),
        _pod(view, tables),
        replicas,
        spec.pod_template,
        PROGRESS_SECONDS,
        # Never two servers on one volume.
        {"type": "Recreate"},
        {ANNOTATION: canonical(_task(view, tables).wire()).decode()} if tables else {},
    )
    versions = {item.dataset: item.version for item in tables}
    result["metadata"]["annotations"][STARTED_WITH] = json.dumps(versions, sort_keys=True)
    return result


def service(view: View) -> Object:
    metadata = child_metadata(view.raw, child_name(view.workspace.name), COMPONENT)
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}]
    return manifest(SERVICES, metadata, spec={"selector": selector(view.workspace.name), "ports": ports})


def claim(view: View) -> Object:
    storage = view.workspace.spec.storage
    metadata = child_metadata(view.raw, child_name(view.workspace.name), COMPONENT)
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage.size}}}
    if storage.class_name:
        spec["storageClassName"] = storage.class_name
    return manifest(CLAIMS, metadata, spec=spec)


def _task(view: View, tables: list[Table]) -> BringTask:
    workspace = view.workspace
    uri = f"{folder(workspace.namespace, workspace.uid)}/{RESULT_JSON}"
    return BringTask(**addresses(workspace, view.installation, uri), tables=tables)


def _pod(view: View, tables: list[Table]) -> dict[str, Any]:
    spec = view.workspace.spec
    volumes: list[template.Volume] = [
        {"name": "home", "persistentVolumeClaim": {"claimName": child_name(view.workspace.name)}},
        _people(view),
    ]
    mounts: list[template.Mount] = [
        {"name": "home", "mountPath": VOLUME},
        {"name": "people", "mountPath": PEOPLE_FOLDER, "readOnly": True},
    ]
    before: dict[str, Any] = {}
    if tables:
        volumes += [template.task_volume(), template.empty("data")]
        mounts.append({"name": "data", "mountPath": DATA_FOLDER, "readOnly": True})
        brings = [template.TASK_MOUNT, {"name": "data", "mountPath": DATA_FOLDER}]
        program: dict[str, Any] = {"command": ["python", "-m", "modelyard_runtime"], "args": ["bring"]}
        before["initContainers"] = [
            template.container(
                "bring",
                image(view),
                PodTemplate(),
                view.installation.resources.run,
                brings,
                asks_store=True,
                **program,
            )
        ]
    serve = template.container(
        "workspace",
        image(view),
        spec.pod_template,
        view.installation.resources.workspace,
        mounts,
        args=["serve", f"--port={PORT}", f"--health-port={server.PORT}"],
        ports=[
            {"name": "http", "containerPort": PORT, "protocol": "TCP"},
            {"name": "health", "containerPort": server.PORT, "protocol": "TCP"},
        ],
        startupProbe=_probe(2, START_SECONDS // 2),
        readinessProbe=_probe(5, 3),
    )
    return template.pod(
        spec.pod_template,
        volumes,
        **before,
        containers=[serve],
        terminationGracePeriodSeconds=GRACE_SECONDS,
        # Otherwise the kubelet changes the group of every file at each start.
        securityContext={**template.pod_security(), "fsGroupChangePolicy": "OnRootMismatch"},
    )


def _people(view: View) -> template.Volume:
    """Returns the volume of the tokens, a file for each person.

    They are optional, because the kubelet would keep all tokens as they are as long as one of them is missing: nobody
    could be taken out. The entrypoint says whose is missing.
    """
    sources = [
        {
            "secret": {
                "name": person.secret_ref.name,
                "items": [{"key": person.secret_ref.key, "path": person.name}],
                "optional": True,
            }
        }
        for person in view.workspace.spec.people
    ]
    return {"name": "people", "projected": {"sources": sources, "defaultMode": 0o440}}


def _probe(period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": HEALTH_PATH, "port": "health"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
