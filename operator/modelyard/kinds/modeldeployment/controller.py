"""Wires a ModelDeployment's observe and decide into the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from modelyard.engine.plan import Facts, Plan
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
    Resource,
)
from modelyard.engine.store import Store
from modelyard.kinds.modeldeployment.decide import decide
from modelyard.kinds.modeldeployment.observe import View, addresses, observe
from modelyard.workload.indexes import by_model, by_pool
from modelyard.workload.names import label
from modelyard_api.installation import Installation


class ModelDeploymentController:
    resource = MODEL_DEPLOYMENTS
    watches: tuple[Resource, ...] = (
        DEPLOYMENTS,
        SERVICES,
        ENDPOINT_SLICES,  # with the labels of their Service
        DISRUPTION_BUDGETS,
        AUTOSCALERS,
        MODELS,
        MODEL_VERSIONS,
        MODEL_POOLS,
    )

    def __init__(self, installation: Installation) -> None:
        self.installation = installation

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        return {
            MODEL_DEPLOYMENTS: {
                "model": by_model,
                "pool": by_pool,
                "address": lambda obj: addresses(obj, self.installation),
            },
            MODEL_VERSIONS: {"model": by_model},
        }

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        meta = obj["metadata"]
        namespace = meta["namespace"]
        if resource in (MODELS, MODEL_VERSIONS, MODEL_POOLS):
            name = obj["spec"]["modelRef"]["name"] if resource == MODEL_VERSIONS else meta["name"]
            index = "pool" if resource == MODEL_POOLS else "model"
            found = store.find(MODEL_DEPLOYMENTS, index, f"{namespace}/{name}")
            return [Key(MODEL_DEPLOYMENTS, namespace, item["metadata"]["name"]) for item in found]
        name = (meta.get("labels") or {}).get(label("ModelDeployment"))
        return (Key(MODEL_DEPLOYMENTS, namespace, name),) if name else ()

    def observe(self, store: Store, key: Key) -> View | None:
        return observe(store, key, self.installation)

    def decide(self, view: View, facts: Facts, now: datetime) -> Plan:
        return decide(view, facts, now)
