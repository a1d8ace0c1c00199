"""Wires DatasetVersions into the engine."""

from __future__ import annotations

from modelyard.engine.resource import MODEL_VERSIONS, TRAINING_RUNS, Object
from modelyard.engine.store import Store
from modelyard.kinds.datasetversion.decide import View, decide
from modelyard.workload import users
from modelyard.workload.wiring import Wiring
from modelyard_api.installation import Installation
from modelyard_api.kinds.datasetversion import DatasetVersion


def observe(_: Store, raw: Object, __: Installation) -> View:
    return View(raw, DatasetVersion.model_validate(raw))


WIRING = Wiring(
    DatasetVersion,
    observe,
    decide,
    wakes={MODEL_VERSIONS: users.trained_on, TRAINING_RUNS: users.read_by},
    users=users.of_dataset_version,
    indexes={MODEL_VERSIONS: {users.LINEAGE: users.by_lineage}, TRAINING_RUNS: {users.READING: users.by_reading}},
)
