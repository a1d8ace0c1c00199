"""Collects what a ModelPool's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    MODEL_DEPLOYMENTS,
    MODEL_VERSIONS,
    Object,
)
from modelyard.engine.store import Store
from modelyard.workload.names import owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion


@dataclass(frozen=True)
class Member:
    """A ModelDeployment that the pool serves; ``versions`` are the existing ModelVersions of its ``status.packed``."""

    deployment: ModelDeployment
    versions: dict[str, ModelVersion]


@dataclass(frozen=True)
class View:
    """``pods`` is the Deployment and ``catalogue`` the ConfigMap, or None unless the ModelPool owns them."""

    raw: Object
    pool: ModelPool
    installation: Installation
    members: tuple[Member, ...] = ()
    pods: Object | None = None
    catalogue: Object | None = None


def child_name(pool: str) -> str:
    """Returns the name that all children of a pool have."""
    return f"{pool}-pool"


def observe(store: Store, raw: Object, installation: Installation) -> View:
    pool, members = ModelPool.model_validate(raw), []
    for raw_deployment in store.find(MODEL_DEPLOYMENTS, "ModelPool", f"{pool.namespace}/{pool.name}"):
        if raw_deployment["metadata"].get("deletionTimestamp"):
            continue
        deployment = ModelDeployment.model_validate(raw_deployment)
        packed = {name: store.get(MODEL_VERSIONS, pool.namespace, name) for name in deployment.status.packed}
        versions = {name: ModelVersion.model_validate(obj) for name, obj in packed.items() if obj is not None}
        members.append(Member(deployment, versions))
    pods = store.get(DEPLOYMENTS, pool.namespace, child_name(pool.name))
    catalogue = store.get(CONFIG_MAPS, pool.namespace, child_name(pool.name))
    return View(
        raw=raw,
        pool=pool,
        installation=installation,
        members=tuple(members),
        pods=pods if owned_by(pods, raw) else None,
        catalogue=catalogue if owned_by(catalogue, raw) else None,
    )
