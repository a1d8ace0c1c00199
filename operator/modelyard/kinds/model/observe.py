"""Collects what a Model's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import MODEL_VERSIONS, TRAINING_RUNS, Object
from modelyard.engine.store import Store
from modelyard.workload.names import controller_uid
from modelyard_api.installation import Installation
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.kinds.trainingrun import TrainingRun


@dataclass(frozen=True)
class View:
    raw: Object
    model: ModelKind
    versions: tuple[ModelVersion, ...]
    """Sorted by number, without versions that are being deleted."""
    leaving: frozenset[int]
    """Numbers whose names are still taken: by versions being deleted, or of a deleted Model with the same name."""
    unregistered: tuple[TrainingRun, ...]
    """Runs whose trained model isn't registered as a version yet, sorted by completion time."""


def observe(store: Store, raw: Object, _: Installation) -> View:
    model = ModelKind.model_validate(raw)
    index_key = f"{model.namespace}/{model.name}"
    raw_versions = store.find(MODEL_VERSIONS, "Model", index_key)
    own_versions = [
        obj for obj in raw_versions if not obj["metadata"].get("deletionTimestamp") and not _has_other_owner(obj, raw)
    ]
    versions = [ModelVersion.model_validate(obj) for obj in own_versions]
    numbers = {version.spec.number for version in versions}
    runs = [TrainingRun.model_validate(obj) for obj in store.find(TRAINING_RUNS, "unregistered", index_key)]
    return View(
        raw=raw,
        model=model,
        versions=tuple(sorted(versions, key=lambda version: version.spec.number)),
        leaving=frozenset(obj["spec"]["number"] for obj in raw_versions) - numbers,
        unregistered=tuple(sorted(runs, key=lambda run: (run.status.completion_time or "", run.name))),
    )


def _has_other_owner(version: Object, model: Object) -> bool:
    """Whether a version has another owner, such as a deleted Model of this name; a new import has no owner yet."""
    owner = controller_uid(version)
    return owner is not None and owner != model["metadata"]["uid"]
