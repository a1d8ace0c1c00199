"""Judges whether the columns are distributed otherwise than in the version before, by the test of rollouts."""

from __future__ import annotations

from modelyard_api.kinds.datasetversion import Violation
from modelyard_api.wire.distance import distance, in_common
from modelyard_api.wire.sketches import Sketches

ALPHA = 0.005
"""Greatest probability that a version is rejected though no column has moved farther than the limit."""


def shifted(now: Sketches, before: Sketches, limit: float) -> list[Violation]:
    """Returns the columns that have moved by more than ``limit`` beyond doubt, the farthest first."""
    pairs = in_common("Input", now, before)
    distances = [(mine.name, distance(mine, other, ALPHA / len(pairs))) for mine, other in pairs]
    beyond = sorted((item for item in distances if item[1].proven > limit), key=lambda item: -item[1].value)
    rule = f"validation.maxShift {limit:g}"
    return [
        Violation(column=name, rule=rule, found=f"{apart.value:.3g} apart from the version before; {apart.where}")
        for name, apart in beyond
    ]
