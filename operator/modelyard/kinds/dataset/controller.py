"""Wires a Dataset's observe and decide into the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, Key, Object, Resource
from modelyard.engine.store import Store
from modelyard.kinds.dataset.decide import decide
from modelyard.kinds.dataset.observe import View, observe
from modelyard.workload.names import label
from modelyard_api.installation import Installation


class DatasetController:
    resource = DATASETS
    watches: tuple[Resource, ...] = (JOBS, DATASET_VERSIONS)

    def __init__(self, installation: Installation) -> None:
        self.installation = installation

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        return {}

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        name = (obj["metadata"].get("labels") or {}).get(label("Dataset"))
        return (Key(DATASETS, obj["metadata"]["namespace"], name),) if name else ()

    def observe(self, store: Store, key: Key) -> View | None:
        return observe(store, key, self.installation)

    def decide(self, view: View, facts: Facts, now: datetime) -> Plan:
        return decide(view, facts, now)
