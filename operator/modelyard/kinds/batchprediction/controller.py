"""Wires BatchPredictions into the engine."""

from __future__ import annotations

from modelyard.engine.resource import MODEL_VERSIONS
from modelyard.kinds.batchprediction.decide import decide
from modelyard.kinds.batchprediction.observe import observe
from modelyard.workload.wiring import Wiring, sharing
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.kinds.modelversion import ModelVersion

WIRING = Wiring(
    BatchPrediction,
    observe,
    decide,
    wakes={MODEL_VERSIONS: sharing(BatchPrediction, ModelVersion, "Model")},
)
