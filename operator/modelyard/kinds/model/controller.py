"""Wires Models into the engine."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import BATCH_PREDICTIONS, MODEL_DEPLOYMENTS, MODEL_VERSIONS, TRAINING_RUNS, Key, Object
from modelyard.engine.store import Store
from modelyard.kinds.model.decide import decide
from modelyard.kinds.model.observe import observe
from modelyard.workload import users
from modelyard.workload.wiring import Wiring, beside, named
from modelyard_api.installation import Installation
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.kinds.trainingrun import TrainingRun


def _is_unregistered(run: Object) -> bool:
    """Whether a run has trained a model, but its outputs don't name the version yet."""
    outputs = (run.get("status") or {}).get("outputs") or {}
    return kstatus.holds(run, "Trained") and not outputs.get("modelVersion")


def _unregistered(run: Object, _: Installation) -> Iterable[str]:
    return [beside(run, name) for name in TrainingRun.info.names(run, "Model") if _is_unregistered(run)]


def _wake(run: Object, store: Store) -> Iterable[Key]:
    return named(TrainingRun, ModelKind)(run, store) if _is_unregistered(run) else ()


WIRING = Wiring(
    ModelKind,
    observe,
    decide,
    # Versions wake the Model by spec.modelRef: a version that a person imports has no label.
    wakes={
        TRAINING_RUNS: _wake,
        MODEL_VERSIONS: named(ModelVersion, ModelKind),
        MODEL_DEPLOYMENTS: users.served_model,
        BATCH_PREDICTIONS: named(BatchPrediction, ModelKind),
    },
    users=users.of_model,
    indexes={TRAINING_RUNS: {"unregistered": _unregistered}},
)
