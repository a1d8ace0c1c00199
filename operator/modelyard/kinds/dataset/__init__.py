"""Dataset: looks for new data by ingest Jobs, and makes a DatasetVersion of what is new."""

from modelyard.kinds.dataset.controller import DatasetController

__all__ = ["DatasetController"]
