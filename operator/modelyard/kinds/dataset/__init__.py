"""Dataset: looks for new data with ingest Jobs, and makes a DatasetVersion of it."""
