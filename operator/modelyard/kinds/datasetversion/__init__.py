"""DatasetVersion: its verdict is read from the result beside its bytes."""
