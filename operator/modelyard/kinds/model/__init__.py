"""Model: registers the versions that runs have made, and says which one is champion."""

from modelyard.kinds.model.controller import ModelController

__all__ = ["ModelController"]
