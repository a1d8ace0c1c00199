"""DatasetVersion: its verdict, read from the result beside its bytes."""
