"""Collects what a ModelVersion's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import (
    DATASET_VERSIONS,
    JOBS,
    MODEL_DEPLOYMENTS,
    MODEL_VERSIONS,
    MODELS,
    TRAINING_RUNS,
    Object,
)
from modelyard.engine.store import Store
from modelyard.workload.names import version_name
from modelyard_api.installation import Installation
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelversion import ModelVersion


@dataclass(frozen=True)
class View:
    raw: Object
    version: ModelVersion
    installation: Installation
    model: ModelKind | None
    jobs: dict[str, Object]
    """Its Jobs by name: one that scores it, if it is imported, and one for each champion that it is compared with."""
    data: Object | None
    """The DatasetVersion that has its held-out rows."""
    champion: ModelVersion | None = None
    """The Model's champion; None also if that version is gone or being deleted."""
    champion_data: Object | None = None
    """The DatasetVersion that the champion was trained on; None also if the champion is imported."""
    compared_exists: bool = False
    """Whether the version with which it was compared last still exists."""
    run_uid: str | None = None
    """The uid of the TrainingRun of the name in its lineage, or None if there is no such run."""
    deployments: tuple[ModelDeployment, ...] = ()
    """The ModelDeployments of its Model, whose pods notice when its bytes are damaged."""


def observe(store: Store, raw: Object, installation: Installation) -> View:
    version = ModelVersion.model_validate(raw)
    model = store.get(MODELS, version.namespace, version.spec.model_ref.name)
    deployments = store.find(MODEL_DEPLOYMENTS, "Model", f"{version.namespace}/{version.spec.model_ref.name}")
    data, comparison = version.spec.lineage.dataset_version, version.status.comparison
    champion = _sibling(store, version, ((model or {}).get("status") or {}).get("champion"))
    run = version.spec.lineage.training_run
    raw_run = store.get(TRAINING_RUNS, version.namespace, run) if run else None
    return View(
        raw=raw,
        run_uid=raw_run["metadata"]["uid"] if raw_run else None,
        version=version,
        installation=installation,
        model=ModelKind.model_validate(model) if model and not _is_being_deleted(model) else None,
        jobs={job["metadata"]["name"]: job for job in store.owned(JOBS, raw)},
        data=store.get(DATASET_VERSIONS, version.namespace, data) if data else None,
        champion=ModelVersion.model_validate(champion) if champion else None,
        champion_data=_trained_on(store, champion) if champion else None,
        compared_exists=_sibling(store, version, comparison.champion if comparison else None) is not None,
        deployments=tuple(ModelDeployment.model_validate(obj) for obj in deployments),
    )


def _sibling(store: Store, version: ModelVersion, number: int | None) -> Object | None:
    """Returns the version of the same Model that has this number, or None if it is gone or being deleted."""
    if number is None:
        return None
    sibling = store.get(MODEL_VERSIONS, version.namespace, version_name(version.spec.model_ref.name, number))
    return sibling if sibling and not _is_being_deleted(sibling) else None


def _trained_on(store: Store, version: Object) -> Object | None:
    lineage = version["spec"].get("lineage") or {}
    if not lineage.get("trainingRun") or not lineage.get("datasetVersion"):
        return None
    return store.get(DATASET_VERSIONS, version["metadata"]["namespace"], lineage["datasetVersion"])


def _is_being_deleted(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))
