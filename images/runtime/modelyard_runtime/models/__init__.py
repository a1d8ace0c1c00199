"""Fitting, scoring and packing models."""
