"""Shared by the engine's cluster tests: an operator behind a faulty proxy, and a controller for a test kind."""
