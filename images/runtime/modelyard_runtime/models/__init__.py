"""Fits, compares, scores and packages models."""
