"""The code of the example."""
