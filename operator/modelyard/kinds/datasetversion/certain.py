"""What of a version's types was guessed, for its status."""

from __future__ import annotations

from modelyard.engine.conditions import Condition
from modelyard_api.fields.artifact import canonical
from modelyard_api.fields.doubts import Doubt, bounded
from modelyard_api.wire.result import TableResult

DOUBTS_BYTES = 6 * 1024
"""Limit of the doubts in status: a status must stay small."""
_FIRST = 3


def fitting(doubts: list[Doubt]) -> list[Doubt]:
    """Returns the first doubts, as many as fit into DOUBTS_BYTES; the last one counts the others, if there are any."""
    shorter = [doubt.model_copy(update={"example": doubt.example and doubt.example[:64]}) for doubt in doubts]
    kept = bounded(shorter)
    while len(kept) > 1 and len(canonical([doubt.wire() for doubt in kept])) > DOUBTS_BYTES:
        kept = bounded(shorter, len(kept) - 1)
    return kept


def certainty(result: TableResult) -> Condition:
    """Returns the condition that says whether anything of the table was guessed, with the first doubts."""
    if not result.doubts:
        return Condition("TypesCertain", True, "NothingGuessed", "nothing was guessed that may be wrong")
    told = "; ".join(doubt.message for doubt in result.doubts[:_FIRST])
    more = len(result.doubts) - _FIRST
    rest = f"; see {more} more in status.doubts" if more > 0 else ""
    message = f"{told}{rest}"
    return Condition("TypesCertain", False, "TypesGuessed", message, True)
