"""Wires ModelDeployments into the engine."""

from __future__ import annotations

from modelyard.engine.resource import MODEL_DEPLOYMENTS, MODEL_VERSIONS
from modelyard.kinds.modeldeployment.decide import decide
from modelyard.kinds.modeldeployment.observe import addresses, observe
from modelyard.workload.wiring import Wiring, sharing
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelversion import ModelVersion

WIRING = Wiring(
    ModelDeployment,
    observe,
    decide,
    wakes={MODEL_VERSIONS: sharing(ModelDeployment, ModelVersion, "Model")},
    indexes={MODEL_DEPLOYMENTS: {"address": addresses}},
)
