"""Tests of what the demo tells."""
