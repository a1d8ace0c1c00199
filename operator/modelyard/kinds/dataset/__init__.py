"""Dataset: looks for new data by ingest Jobs, and makes a DatasetVersion of what is new."""
