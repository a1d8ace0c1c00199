"""What a Model's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import MODEL_VERSIONS, MODELS, TRAINING_RUNS, Key, Object
from modelyard.engine.store import Store
from modelyard_api.model import ModelKind
from modelyard_api.modelversion import ModelVersion
from modelyard_api.trainingrun import TrainingRun


@dataclass(frozen=True)
class View:
    raw: Object
    model: ModelKind
    versions: tuple[ModelVersion, ...]
    """By number, the smallest first."""
    unregistered: tuple[TrainingRun, ...]
    """Runs that have trained a version which isn't registered yet, the first to end first."""


def observe(store: Store, key: Key) -> View | None:
    raw = store.get(MODELS, key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    index = f"{key.namespace}/{key.name}"
    versions = [ModelVersion.model_validate(obj) for obj in store.find(MODEL_VERSIONS, "model", index)]
    runs = [TrainingRun.model_validate(obj) for obj in store.find(TRAINING_RUNS, "unregistered", index)]
    return View(
        raw=raw,
        model=ModelKind.model_validate(raw),
        versions=tuple(sorted(versions, key=lambda version: version.spec.number)),
        unregistered=tuple(sorted(runs, key=lambda run: (run.status.completion_time or "", run.name))),
    )
