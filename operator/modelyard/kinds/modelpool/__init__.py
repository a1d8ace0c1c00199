"""ModelPool: pods that serve the models of many ModelDeployments."""

from modelyard.kinds.modelpool.controller import ModelPoolController

__all__ = ["ModelPoolController"]
