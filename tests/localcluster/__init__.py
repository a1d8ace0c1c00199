"""Starts the cluster that people and tests run on: one command for all providers (see ``--help`` of this module)."""
