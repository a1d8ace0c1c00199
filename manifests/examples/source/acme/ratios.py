"""Ratios of a penguin's measures, which tell its species better than the measures do."""

from __future__ import annotations


def bill_ratio(length_mm: float, depth_mm: float) -> float:
    """Returns how slender a bill is. Raises ValueError for a depth that no bill has."""
    if depth_mm <= 0:
        raise ValueError(f"a bill's depth is more than 0, not {depth_mm}")
    return length_mm / depth_mm
