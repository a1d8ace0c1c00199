"""What a ModelDeployment's decision is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from modelyard.engine.resource import (
    AUTOSCALERS,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    ENDPOINT_SLICES,
    MODEL_DEPLOYMENTS,
    MODEL_POOLS,
    MODEL_VERSIONS,
    MODELS,
    SERVICES,
    Key,
    Object,
)
from modelyard.engine.store import Store
from modelyard.workload.names import owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion

KEDAS = "keda-hpa-"
"""Begins the names of autoscalers that KEDA makes."""


@dataclass(frozen=True)
class View:
    """``pods``: the Deployments of serving pods. ``services`` and ``autoscaler``: those that are ours. ``scaled``: KEDA
    has made an autoscaler of a ScaledObject of ours.

    ``endpoints``: Service -> how many pods clients reach by it, by what gateways and kube-proxies are told.
    ``rivals``: other ModelDeployments of the same hostname on the same Gateway. ``pool``: the one that spec.pool names.
    """

    raw: Object
    deployment: ModelDeployment
    installation: Installation
    model: ModelKind | None
    versions: dict[int, ModelVersion]
    pods: tuple[Object, ...] = ()
    services: tuple[Object, ...] = ()
    endpoints: dict[str, int] = field(default_factory=dict)
    autoscaler: Object | None = None
    scaled: bool = False
    budget: Object | None = None
    pool: ModelPool | None = None
    rivals: tuple[Object, ...] = field(default=())


def observe(store: Store, key: Key, installation: Installation) -> View | None:
    raw = store.get(MODEL_DEPLOYMENTS, key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    deployment = ModelDeployment.model_validate(raw)
    name = deployment.spec.model_ref.name
    model = store.get(MODELS, key.namespace, name)
    found = store.find(MODEL_VERSIONS, "Model", f"{key.namespace}/{name}")
    versions = [ModelVersion.model_validate(obj) for obj in found]
    uid = raw["metadata"]["uid"]
    autoscaler = store.get(AUTOSCALERS, key.namespace, key.name)
    budget = store.get(DISRUPTION_BUDGETS, key.namespace, key.name)
    named = deployment.spec.pool
    pool = store.get(MODEL_POOLS, key.namespace, named) if named else None
    services = store.owned(SERVICES, uid)
    rivals = [
        other
        for place in addresses(raw, installation)
        for other in store.find(MODEL_DEPLOYMENTS, "address", place)
        if other["metadata"]["uid"] != uid
    ]
    return View(
        raw=raw,
        deployment=deployment,
        installation=installation,
        model=ModelKind.model_validate(model) if model else None,
        versions={version.spec.number: version for version in versions},
        pods=tuple(store.owned(DEPLOYMENTS, uid)),
        services=tuple(services),
        endpoints={
            service["metadata"]["name"]: _reached(store.owned(ENDPOINT_SLICES, service["metadata"]["uid"]))
            for service in services
        },
        autoscaler=autoscaler if owned_by(autoscaler, raw) else None,
        # By its labels, which are the ScaledObject's, it is fed like what we make ourselves.
        scaled=store.get(AUTOSCALERS, key.namespace, KEDAS + key.name) is not None,
        budget=budget if owned_by(budget, raw) else None,
        pool=ModelPool.model_validate(pool) if pool else None,
        rivals=tuple(rivals),
    )


def addresses(raw: Object, installation: Installation) -> tuple[str, ...]:
    """``namespace/gateway/hostname`` of a raw ModelDeployment, if it has one: an index of the store."""
    found = (raw.get("spec") or {}).get("gateway")
    if not found:
        return ()
    return (f"{found.get('namespace') or installation.gateway_namespace}/{found['name']}/{found['hostname']}",)


def _reached(slices: Iterable[Object]) -> int:
    """Pods of two address families have an endpoint in slices of each."""
    found = Counter[str]()
    for one in slices:
        for endpoint in one["endpoints"]:
            # Kubernetes: a condition that is not known counts as true.
            found[one["addressType"]] += (endpoint.get("conditions") or {}).get("ready") is not False
    return max(found.values(), default=0)
