"""Wires DatasetVersions into the engine."""

from __future__ import annotations

from modelyard.engine.resource import DATASET_VERSIONS, Key
from modelyard.engine.store import Store
from modelyard.kinds.datasetversion.decide import View, decide
from modelyard.workload.wiring import Wiring
from modelyard_api.installation import Installation
from modelyard_api.kinds.datasetversion import DatasetVersion


def observe(store: Store, key: Key, _: Installation) -> View | None:
    raw = store.get(DATASET_VERSIONS, key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    return View(raw, DatasetVersion.model_validate(raw))


WIRING = Wiring(DatasetVersion, observe, decide)
