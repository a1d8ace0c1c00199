"""ModelVersion: verified against its artifact, judged by its Model's gates."""

from modelyard.kinds.modelversion.controller import ModelVersionController

__all__ = ["ModelVersionController"]
