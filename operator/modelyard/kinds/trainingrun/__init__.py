"""TrainingRun: one Job that trains one model on one dataset version."""

from modelyard.kinds.trainingrun.controller import TrainingRunController

__all__ = ["TrainingRunController"]
