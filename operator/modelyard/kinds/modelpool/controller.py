"""Wires ModelPools into the engine."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine.resource import MODEL_DEPLOYMENTS, MODEL_VERSIONS, Key, Object
from modelyard.engine.store import Store
from modelyard.kinds.modelpool.decide import decide
from modelyard.kinds.modelpool.observe import observe
from modelyard.workload import users
from modelyard.workload.wiring import Wiring, beside, named
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion

_pools_of_deployment = named(ModelDeployment, ModelPool)


def _pools_of_version(version: Object, store: Store) -> Iterable[Key]:
    """Returns the pools of the ModelDeployments that serve this version's Model."""
    return {
        pool
        for model in ModelVersion.info.names(version, "Model")
        for deployment in store.find(MODEL_DEPLOYMENTS, "Model", beside(version, model))
        for pool in _pools_of_deployment(deployment, store)
    }


WIRING = Wiring(
    ModelPool,
    observe,
    decide,
    wakes={MODEL_DEPLOYMENTS: _pools_of_deployment, MODEL_VERSIONS: _pools_of_version},
    users=users.of_pool,
)
