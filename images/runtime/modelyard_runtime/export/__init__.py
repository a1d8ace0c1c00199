"""Exports a fitted estimator to a file that can be served, and proves that the file gives the same answers."""
