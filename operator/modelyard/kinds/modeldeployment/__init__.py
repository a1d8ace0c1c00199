"""ModelDeployment: serves a version or an alias of a model."""

from modelyard.kinds.modeldeployment.controller import ModelDeploymentController

__all__ = ["ModelDeploymentController"]
