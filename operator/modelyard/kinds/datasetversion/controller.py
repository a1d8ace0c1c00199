"""Wires a DatasetVersion's decision into the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import DATASET_VERSIONS, Key, Object, Resource
from modelyard.engine.store import Store
from modelyard.kinds.datasetversion.decide import View, decide
from modelyard_api.kinds.datasetversion import DatasetVersion


class DatasetVersionController:
    resource = DATASET_VERSIONS
    watches: tuple[Resource, ...] = ()

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        return {}

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        return ()

    def observe(self, store: Store, key: Key) -> View | None:
        raw = store.get(DATASET_VERSIONS, key.namespace, key.name)
        if raw is None or raw["metadata"].get("deletionTimestamp"):
            return None
        return View(raw, DatasetVersion.model_validate(raw))

    def decide(self, view: View, facts: Facts, now: datetime) -> Plan:
        return decide(view, facts, now)
