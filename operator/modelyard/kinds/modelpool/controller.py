"""Wires a ModelPool's observe and decide into the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    MODEL_DEPLOYMENTS,
    MODEL_POOLS,
    MODEL_VERSIONS,
    Key,
    Object,
    Resource,
)
from modelyard.engine.store import Store
from modelyard.kinds.modelpool.decide import decide
from modelyard.kinds.modelpool.observe import View, observe
from modelyard.workload.indexes import by_model, by_pool
from modelyard.workload.names import label
from modelyard_api.installation import Installation


class ModelPoolController:
    resource = MODEL_POOLS
    watches: tuple[Resource, ...] = (
        DEPLOYMENTS,
        DISRUPTION_BUDGETS,
        CONFIG_MAPS,
        MODEL_DEPLOYMENTS,
        MODEL_VERSIONS,
    )

    def __init__(self, installation: Installation) -> None:
        self.installation = installation

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        return {MODEL_DEPLOYMENTS: {"pool": by_pool, "model": by_model}}

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        meta = obj["metadata"]
        namespace = meta["namespace"]
        if resource == MODEL_DEPLOYMENTS:
            return _pools([obj])
        if resource == MODEL_VERSIONS:
            return _pools(store.find(MODEL_DEPLOYMENTS, "model", f"{namespace}/{obj['spec']['modelRef']['name']}"))
        name = (meta.get("labels") or {}).get(label("ModelPool"))
        return (Key(MODEL_POOLS, namespace, name),) if name else ()

    def observe(self, store: Store, key: Key) -> View | None:
        return observe(store, key, self.installation)

    def decide(self, view: View, facts: Facts, now: datetime) -> Plan:
        return decide(view, facts, now)


def _pools(deployments: Iterable[Object]) -> set[Key]:
    return {Key(MODEL_POOLS, *pool.split("/", 1)) for obj in deployments for pool in by_pool(obj)}
