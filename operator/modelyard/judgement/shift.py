"""Judges PredictionShift and InputShift: how far apart two versions' outputs or inputs are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.judgement.finding import Finding, verdict
from modelyard_api.wire.distance import distance, in_common

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Sketches


def shift(role: str, limit: float, candidate: Sketches, stable: Sketches, alpha: float) -> Finding:
    """Returns Failed if any column of ``role`` that both versions have is more than ``limit`` apart.

    The columns share ``alpha`` equally.
    """
    pairs = in_common(role, candidate, stable)
    if not pairs:
        return Finding("Inconclusive", f"the two versions' servers observed no {role.lower()} in common")
    distances = [(mine, other, distance(mine, other, alpha / len(pairs))) for mine, other in pairs]
    proven = max(distances, key=lambda item: item[2].proven)[2].proven > limit
    mine, other, greatest = max(distances, key=lambda item: item[2].proven if proven else item[2].value)
    where = f"; {greatest.where}" if greatest.where else ""
    rows = f"{mine.count} rows, stable: {other.count}"
    message = f"{mine.name[:64]} is {greatest.value:.3g} apart ({rows}), max {limit:g}{where}"
    return Finding(verdict(within=greatest.value <= limit, proven=proven), message)
