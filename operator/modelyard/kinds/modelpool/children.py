"""The pods that are shared: one Deployment, its budget of disruptions, and the ConfigMap that lists the models."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from modelyard.engine.plan import Patch
from modelyard.engine.resource import CONFIG_MAPS, DISRUPTION_BUDGETS, PODS, Object
from modelyard.kinds.modelpool.observe import View, child_name
from modelyard.workload import pools, server, template
from modelyard.workload.names import child_metadata, manifest
from modelyard_api.wire.packing import CATALOGUE_JSON, Catalogue

CATALOGUE_FOLDER, MODELS_FOLDER = "/modelyard/catalogue", "/modelyard/models"
NUDGED = "modelyard.dev/catalogue"
"""Annotation of the pods: at a change of it the kubelet looks at their volumes at once, else about once a minute."""
NUDGE_SECONDS = 15
"""After so long a pod that has not read the catalogue is nudged again."""
PROGRESS_SECONDS, START_SECONDS = 900, 600
"""A pod is ready once each of its models was tried, and the store may be away for a while."""
SERVER_BYTES = 160 * 1024**2
"""What the server needs beside the models: 93 MiB were measured at rest, and requests need some."""
ROOM = 0.75
"""Of what is left, for models: a new version is loaded before the old one goes."""
LEAST = 0.125
"""Of the limit, for models, however small it is."""


def image(view: View) -> str:
    return server.image(view.pool.spec.pod_template.image, view.pods, view.installation.images.server)


def memory_budget(view: View) -> int:
    """Bytes for the models, of the container's memory limit."""
    made = template.resources(view.pool.spec.pod_template.resources, view.installation.resources.server)
    limit = float(template.quantity(str(made["limits"]["memory"])))
    return int(max(limit * LEAST, (limit - SERVER_BYTES) * ROOM, 1))


def deployment(view: View) -> Object:
    spec, name = view.pool.spec, view.pool.name
    labels = pools.selector(name)
    serve = server.container(
        image(view),
        spec.pod_template,
        view.installation.resources.server,
        [
            {"name": "catalogue", "mountPath": CATALOGUE_FOLDER, "readOnly": True},
            {"name": "models", "mountPath": MODELS_FOLDER},
        ],
        [
            "serve",
            f"--catalogue={CATALOGUE_FOLDER}/{CATALOGUE_JSON}",
            f"--repository={MODELS_FOLDER}",
            f"--memory-budget={memory_budget(view)}",
            f"--tracking-url={view.installation.tracking_url}",
            f"--port={server.PORT}",
            f"--grpc-port={server.GRPC_PORT}",
        ],
        START_SECONDS,
    )
    # The whole folder, not one file of it: the kubelet brings only that up to date.
    volumes = [{"name": "catalogue", "configMap": {"name": child_name(name)}}, template.empty("models")]
    pod = server.pod(spec.pod_template, volumes, labels, containers=[serve])
    metadata = child_metadata(view.raw, child_name(name), server.COMPONENT)
    return server.deployment(metadata, labels, pod, spec.replicas, spec.pod_template.image, PROGRESS_SECONDS)


def config_map(view: View, catalogue: Catalogue) -> Object:
    metadata = child_metadata(view.raw, child_name(view.pool.name), server.COMPONENT)
    return manifest(CONFIG_MAPS, metadata, data={CATALOGUE_JSON: catalogue.text()})


def disruption_budget(view: View) -> Object:
    metadata = child_metadata(view.raw, child_name(view.pool.name), server.COMPONENT)
    spec = server.disruption_budget_spec(pools.selector(view.pool.name))
    return manifest(DISRUPTION_BUDGETS, metadata, spec=spec)


def nudges(pods: Iterable[Object], digest: str, now: datetime) -> list[Patch]:
    """Of pods that have not read the catalogue of this digest."""
    value = f"{digest}.{int(now.timestamp()) // NUDGE_SECONDS}"
    made = []
    for pod in pods:
        meta = pod["metadata"]
        if (meta.get("annotations") or {}).get(NUDGED) != value:
            body = {"metadata": {"annotations": {NUDGED: value}}}
            made.append(Patch(PODS, meta["namespace"], meta["name"], meta["uid"], body))
    return made
