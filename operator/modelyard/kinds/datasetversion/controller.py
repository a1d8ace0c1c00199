"""Wires DatasetVersions into the engine."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine.resource import (
    BATCH_PREDICTIONS,
    DATASET_VERSIONS,
    DATASETS,
    MODEL_MONITORS,
    MODEL_VERSIONS,
    SWEEPS,
    TRAINING_RUNS,
    WORKSPACES,
    Key,
    Object,
)
from modelyard.engine.store import Store
from modelyard.kinds.datasetversion.decide import View, decide
from modelyard.workload import users
from modelyard.workload.names import MANAGED_BY, controller_uid
from modelyard.workload.protection import is_being_deleted
from modelyard.workload.wiring import Wiring, beside, named
from modelyard_api.installation import Installation
from modelyard_api.kinds.datasetversion import DatasetVersion
from modelyard_api.kinds.modelmonitor import ModelMonitor


def observe(store: Store, raw: Object, installation: Installation) -> View:
    version = DatasetVersion.model_validate(raw)
    is_ours = MANAGED_BY.items() <= (raw["metadata"].get("labels") or {}).items()
    dataset = store.get(DATASETS, version.namespace, version.spec.dataset_ref.name) if is_ours else None
    owner = dataset if dataset and not is_being_deleted(dataset) else None
    return View(raw, version, owner, installation.tracking_pages)


def _without_owner(version: Object, _: Installation) -> Iterable[str]:
    return [] if controller_uid(version) else [beside(version, version["spec"]["datasetRef"]["name"])]


def _of_dataset(dataset: Object, store: Store) -> Iterable[Key]:
    """Returns the versions without an owner that a Dataset takes over."""
    place = beside(dataset, dataset["metadata"]["name"])
    versions = store.find(DATASET_VERSIONS, "without owner", place)
    return [Key(DATASET_VERSIONS, obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in versions]


WIRING = Wiring(
    DatasetVersion,
    observe,
    decide,
    wakes={
        DATASETS: _of_dataset,
        DATASET_VERSIONS: users.made_of,
        MODEL_VERSIONS: users.trained_on,
        TRAINING_RUNS: users.read_by,
        SWEEPS: users.read_by,
        BATCH_PREDICTIONS: users.read_by,
        WORKSPACES: users.mounted_by,
        MODEL_MONITORS: named(ModelMonitor, DatasetVersion),
    },
    users=users.of_dataset_version,
    indexes={
        DATASET_VERSIONS: {"without owner": _without_owner, users.MADE: users.by_made},
        MODEL_VERSIONS: {users.LINEAGE: users.by_lineage},
        TRAINING_RUNS: {users.READING: users.by_reading},
        SWEEPS: {users.READING: users.by_reading},
        BATCH_PREDICTIONS: {users.READING: users.by_reading},
        WORKSPACES: {users.MOUNTED: users.by_mounted},
    },
)
