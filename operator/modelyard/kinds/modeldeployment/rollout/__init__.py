"""Rollouts: how a candidate advances from step to step, and on what evidence."""
