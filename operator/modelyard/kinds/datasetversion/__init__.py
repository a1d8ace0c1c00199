"""DatasetVersion: its verdict, read from the result beside its bytes."""

from modelyard.kinds.datasetversion.controller import DatasetVersionController

__all__ = ["DatasetVersionController"]
