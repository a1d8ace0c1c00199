"""The controllers, one folder a kind."""

from __future__ import annotations

from modelyard.engine.plan import Controller
from modelyard_api.installation import Installation


def all_controllers(installation: Installation) -> list[Controller]:
    """Every controller of this installation."""
    from modelyard.kinds.dataset import DatasetController
    from modelyard.kinds.datasetversion import DatasetVersionController
    from modelyard.kinds.model import ModelController
    from modelyard.kinds.modeldeployment import ModelDeploymentController
    from modelyard.kinds.modelpool import ModelPoolController
    from modelyard.kinds.modelversion import ModelVersionController
    from modelyard.kinds.trainingrun import TrainingRunController

    return [
        DatasetController(installation),
        DatasetVersionController(),
        TrainingRunController(installation),
        ModelController(),
        ModelVersionController(installation),
        ModelDeploymentController(installation),
        ModelPoolController(installation),
    ]
