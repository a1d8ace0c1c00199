"""Collects what a ModelDeployment's decision is made from."""

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
    Object,
)
from modelyard.engine.store import Store
from modelyard.workload.foreign import is_own
from modelyard.workload.names import owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion

KEDA_PREFIX = "keda-hpa-"
"""KEDA prepends this to a ScaledObject's name to name its HorizontalPodAutoscaler."""


@dataclass(frozen=True)
class View:
    """The ModelDeployment and the stored objects that its decision depends on.

    ``versions`` are the Model's by number. Those of ``foreign`` name artifacts of another namespace: nothing is made of
    them, as if they were gone.

    ``pods`` are the Deployments of its serving pods. ``services``, ``autoscaler`` and ``budget`` are only objects that
    the ModelDeployment owns. ``scaler`` is the autoscaler that KEDA has made from its ScaledObject.

    ``endpoints`` maps a Service's name to the number of pods that clients reach through it, counted from the
    EndpointSlices that gateways and kube-proxies read. ``rivals`` are other ModelDeployments with the same hostname on
    the same Gateway. ``pool`` is the ModelPool that spec.pool names.
    """

    raw: Object
    deployment: ModelDeployment
    installation: Installation
    model: ModelKind | None
    versions: dict[int, ModelVersion]
    foreign: dict[int, ModelVersion] = field(default_factory=dict)
    pods: tuple[Object, ...] = ()
    services: tuple[Object, ...] = ()
    endpoints: dict[str, int] = field(default_factory=dict)
    autoscaler: Object | None = None
    scaler: Object | None = None
    budget: Object | None = None
    pool: ModelPool | None = None
    rivals: tuple[Object, ...] = field(default=())


def observe(store: Store, raw: Object, installation: Installation) -> View:
    deployment = ModelDeployment.model_validate(raw)
    model_name = deployment.spec.model_ref.name
    model = store.get(MODELS, deployment.namespace, model_name)
    raw_versions = store.find(MODEL_VERSIONS, "Model", f"{deployment.namespace}/{model_name}")
    versions = [ModelVersion.model_validate(obj) for obj in raw_versions]
    uid = raw["metadata"]["uid"]
    autoscaler = store.get(AUTOSCALERS, deployment.namespace, deployment.name)
    budget = store.get(DISRUPTION_BUDGETS, deployment.namespace, deployment.name)
    pool_name = deployment.spec.pool
    pool = store.get(MODEL_POOLS, deployment.namespace, pool_name) if pool_name else None
    services = store.owned(SERVICES, raw)
    rivals = [
        other
        for address in addresses(raw, installation)
        for other in store.find(MODEL_DEPLOYMENTS, "address", address)
        if other["metadata"]["uid"] != uid
    ]
    return View(
        raw=raw,
        deployment=deployment,
        installation=installation,
        model=ModelKind.model_validate(model) if model else None,
        versions={version.spec.number: version for version in versions if is_own(version)},
        foreign={version.spec.number: version for version in versions if not is_own(version)},
        pods=tuple(store.owned(DEPLOYMENTS, raw)),
        services=tuple(services),
        endpoints={
            service["metadata"]["name"]: _ready_pods(store.owned(ENDPOINT_SLICES, service)) for service in services
        },
        autoscaler=autoscaler if owned_by(autoscaler, raw) else None,
        # KEDA copies the ScaledObject's labels to its autoscaler, so the store's watch sees it like our own children.
        scaler=store.get(AUTOSCALERS, deployment.namespace, KEDA_PREFIX + deployment.name),
        budget=budget if owned_by(budget, raw) else None,
        pool=ModelPool.model_validate(pool) if pool else None,
        rivals=tuple(rivals),
    )


def addresses(raw: Object, installation: Installation) -> tuple[str, ...]:
    """Returns ``namespace/gateway/hostname`` of a raw ModelDeployment, or nothing without spec.gateway.

    The store keeps an index of it.
    """
    gateway = (raw.get("spec") or {}).get("gateway")
    if not gateway:
        return ()
    return (f"{gateway.get('namespace') or installation.gateway_namespace}/{gateway['name']}/{gateway['hostname']}",)


def _ready_pods(slices: Iterable[Object]) -> int:
    """Returns the number of ready pods.

    A dual-stack pod has an endpoint in the slices of both address families, so families are counted apart.
    """
    ready = Counter[str]()
    for slice_ in slices:
        for endpoint in slice_["endpoints"]:
            # Kubernetes defines an unknown ``ready`` condition as true.
            ready[slice_["addressType"]] += (endpoint.get("conditions") or {}).get("ready") is not False
    return max(ready.values(), default=0)
