"""Measures the controllers on N objects against the real API server: speed, cost, idle load and restart."""
