"""Wires a ModelVersion's observe and decide into the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from modelyard.engine import conditions as kstatus
from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import DATASET_VERSIONS, JOBS, MODEL_VERSIONS, MODELS, Key, Object, Resource
from modelyard.engine.store import Store
from modelyard.kinds.modelversion.decide import decide
from modelyard.kinds.modelversion.observe import View, observe
from modelyard.workload.indexes import by_model
from modelyard.workload.names import label
from modelyard_api.installation import Installation


def _unverified_data(version: Object) -> Iterable[str]:
    name = (version["spec"].get("lineage") or {}).get("datasetVersion")
    waits = name and not kstatus.holds(version, "Verified")
    return (f"{version['metadata']['namespace']}/{name}",) if waits else ()


class ModelVersionController:
    resource = MODEL_VERSIONS
    watches: tuple[Resource, ...] = (JOBS, MODELS, DATASET_VERSIONS)

    def __init__(self, installation: Installation) -> None:
        self.installation = installation

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        return {MODEL_VERSIONS: {"model": by_model, "waits-for-data": _unverified_data}}

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        meta = obj["metadata"]
        namespace = meta["namespace"]
        if resource == JOBS:
            name = (meta.get("labels") or {}).get(label("ModelVersion"))
            return (Key(MODEL_VERSIONS, namespace, name),) if name else ()
        index = "model" if resource == MODELS else "waits-for-data"
        found = store.find(MODEL_VERSIONS, index, f"{namespace}/{meta['name']}")
        return [Key(MODEL_VERSIONS, namespace, version["metadata"]["name"]) for version in found]

    def observe(self, store: Store, key: Key) -> View | None:
        return observe(store, key, self.installation)

    def decide(self, view: View, facts: Facts, now: datetime) -> Plan:
        return decide(view, facts, now)
