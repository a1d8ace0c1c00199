"""What a Model's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import MODEL_VERSIONS, MODELS, TRAINING_RUNS, Key, Object
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
    """By number, the smallest first; without those that are ending."""
    leaving: frozenset[int]
    """Numbers whose names are still taken: by versions that are ending, or of a deleted Model of the same name."""
    unregistered: tuple[TrainingRun, ...]
    """Runs that have trained a version which isn't registered yet, the first to end first."""


def observe(store: Store, key: Key, _: Installation) -> View | None:
    raw = store.get(MODELS, key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    index = f"{key.namespace}/{key.name}"
    found = store.find(MODEL_VERSIONS, "Model", index)
    stays = [obj for obj in found if not obj["metadata"].get("deletionTimestamp") and not _of_another(obj, raw)]
    versions = [ModelVersion.model_validate(obj) for obj in stays]
    numbers = {version.spec.number for version in versions}
    runs = [TrainingRun.model_validate(obj) for obj in store.find(TRAINING_RUNS, "unregistered", index)]
    return View(
        raw=raw,
        model=ModelKind.model_validate(raw),
        versions=tuple(sorted(versions, key=lambda version: version.spec.number)),
        leaving=frozenset(obj["spec"]["number"] for obj in found) - numbers,
        unregistered=tuple(sorted(runs, key=lambda run: (run.status.completion_time or "", run.name))),
    )


def _of_another(version: Object, model: Object) -> bool:
    """Whether it belongs to something else, such as a Model of this name that was deleted; an import to nobody yet."""
    owner = controller_uid(version)
    return owner is not None and owner != model["metadata"]["uid"]
