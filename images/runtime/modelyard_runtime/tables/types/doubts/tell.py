"""Puts doubts into words."""

from __future__ import annotations

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.tables.types.column import Column
from modelyard_runtime.tables.types.places import Place


def tell(
    column: Column, reason: str, message: str, count: int | None, example: object = None, place: Place | None = None
) -> Doubt:
    """Returns a doubt about a column; ``example`` is the first of the values that it is about, at ``place``."""
    return Doubt(
        column=column.name,
        reason=reason,
        message=message,
        count=count,
        example=None if example is None else str(example)[:64],
        row=place.row if place else None,
        file=place.file or None if place else None,
    )
