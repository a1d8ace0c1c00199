"""Generated objects against the real API server: what it accepts, the operator must handle."""
