"""Builds a pool's children: one Deployment, its PodDisruptionBudget, and the ConfigMap that lists the models."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from modelyard.engine.plan import Patch
from modelyard.engine.resource import CONFIG_MAPS, DISRUPTION_BUDGETS, PODS, Object
from modelyard.kinds.modelpool.observe import View, child_name
from modelyard.workload import pools, server, template
from modelyard.workload.names import child_metadata, manifest
from modelyard.workload.unready import Described
from modelyard_api.fields.artifact import home
from modelyard_api.fields.pods import PodTemplate, Resources
from modelyard_api.wire.identity import READS
from modelyard_api.wire.packing import CATALOGUE_JSON, Catalogue

CATALOGUE_FOLDER, MODELS_FOLDER = "/modelyard/catalogue", "/modelyard/models"
FETCHER, FETCHER_FOLDER = "fetcher", "/modelyard/fetcher"
SOCKET = f"{FETCHER_FOLDER}/socket"
"""Where the server asks the sidecar that fetches models."""
FETCHER_RESOURCES = Resources(requests={"cpu": "20m", "memory": "64Mi"}, limits={"memory": "256Mi"})
NUDGED = "modelyard.dev/catalogue"
"""Annotation of the pods: a change makes the kubelet update their volumes at once, not about once a minute."""
NUDGE_SECONDS = 15
"""A pod that has not read the catalogue is nudged again after this time."""
PROGRESS_SECONDS, START_SECONDS = 900, 600
"""Long limits: a pod is ready only once it has tried each model, and the artifact store may be away for a while."""
SERVER_BYTES = 160 * 1024**2
"""Memory that the server needs besides models: 93 MiB were measured when idle, and requests need some more."""
MODELS_SHARE = 0.75
"""Share of the memory beyond SERVER_BYTES for models: a new version is loaded before the old one is removed."""
LEAST_MODELS_SHARE = 0.125
"""Least share of the memory limit for models, however small the limit is."""


def image(view: View) -> str:
    return server.image(view.pool.spec.pod_template.image, view.pods, view.installation.images.server)


def memory_budget(view: View) -> int:
    """Returns the bytes of the container's memory limit that models may use."""
    resources = template.resources(view.pool.spec.pod_template.resources, view.installation.resources.server)
    limit = float(template.quantity(str(resources["limits"]["memory"])))
    return int(max(limit * LEAST_MODELS_SHARE, (limit - SERVER_BYTES) * MODELS_SHARE, 1))


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
            {"name": "fetcher", "mountPath": FETCHER_FOLDER, "readOnly": True},
        ],
        [
            "serve",
            f"--catalogue={CATALOGUE_FOLDER}/{CATALOGUE_JSON}",
            f"--repository={MODELS_FOLDER}",
            f"--memory-budget={memory_budget(view)}",
            f"--fetcher={SOCKET}",
            f"--port={server.PORT}",
            f"--grpc-port={server.GRPC_PORT}",
        ],
        START_SECONDS,
    )
    # Mount the whole folder: the kubelet doesn't update a file that is mounted alone (subPath).
    catalogue = {"name": "catalogue", "configMap": {"name": child_name(name)}}
    volumes = [catalogue, template.empty("models"), template.empty("fetcher")]
    pod = server.pod(spec.pod_template, volumes, labels, initContainers=[_fetcher(view)], containers=[serve])
    metadata = child_metadata(view.raw, child_name(name), server.COMPONENT)
    # Its catalogue changes while it runs, so the pods may read what any version of the namespace is made of.
    reads = {READS: home(view.pool.namespace).rstrip("/")}
    return server.deployment(
        metadata, labels, pod, spec.replicas, spec.pod_template, PROGRESS_SECONDS, annotations=reads
    )


def _fetcher(view: View) -> dict[str, Any]:
    """Returns the native sidecar that fetches models for the server, and has the pod's identity."""
    mounts: list[template.Mount] = [
        {"name": "models", "mountPath": MODELS_FOLDER},
        {"name": "fetcher", "mountPath": FETCHER_FOLDER},
    ]
    args = [
        "fetcher",
        f"--repository={MODELS_FOLDER}",
        f"--tracking-url={view.installation.tracking_url}",
        f"--socket={SOCKET}",
    ]
    return template.container(
        FETCHER,
        image(view),
        PodTemplate(),
        FETCHER_RESOURCES,
        mounts,
        asks_store=True,
        args=args,
        restartPolicy="Always",
    )


def described(view: View) -> Described:
    """Returns what messages about pods that are not ready name."""
    pods = pools.pods_need(view.pool.namespace, view.pool.name)
    return Described(pods, server.fields(view.pool.spec.pod_template), PROGRESS_SECONDS)


def config_map(view: View, catalogue: Catalogue) -> Object:
    metadata = child_metadata(view.raw, child_name(view.pool.name), server.COMPONENT)
    return manifest(CONFIG_MAPS, metadata, data={CATALOGUE_JSON: catalogue.text()})


def disruption_budget(view: View) -> Object:
    metadata = child_metadata(view.raw, child_name(view.pool.name), server.COMPONENT)
    spec = server.disruption_budget_spec(pools.selector(view.pool.name), view.pool.spec.replicas)
    return manifest(DISRUPTION_BUDGETS, metadata, spec=spec)


def nudges(pods: Iterable[Object], digest: str, now: datetime) -> list[Patch]:
    """Returns the patches that nudge pods which have not read the catalogue of this digest."""
    value = f"{digest}.{int(now.timestamp()) // NUDGE_SECONDS}"
    patches = []
    for pod in pods:
        meta = pod["metadata"]
        if (meta.get("annotations") or {}).get(NUDGED) != value:
            body = {"metadata": {"annotations": {NUDGED: value}}}
            patches.append(Patch(PODS, meta["namespace"], meta["name"], meta["uid"], body))
    return patches
