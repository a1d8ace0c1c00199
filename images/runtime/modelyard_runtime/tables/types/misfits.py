"""Tells of the values of a column that are not of its type."""

from __future__ import annotations

from modelyard_api.kinds.datasetversion import Violation
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.types.column import Column
from modelyard_runtime.tables.types.shown import shown

_SHOWN = 5


def violation(column: Column, is_declared: bool) -> Violation:
    """Returns the violation of a column with values that are not of its type. Raises UserError if all are not."""
    found, type_ = column.misfits, column.kind.type
    texts = list(found.counts)[:_SHOWN]
    places = [found.places[text] for text in texts]
    if found.total == column.offered:
        values = ", ".join(f"{shown(text)} in row {place.row}" for text, place in zip(texts, places, strict=True))
        how = "is declared" if is_declared else "was in the last version"
        remedy = "write their format" if type_ == "Timestamp" else "declare the type that it has"
        message = f"column {column.title} {how} {type_}, but none of its {found.total} values is: {values}; {remedy}"
        raise UserError("ColumnType", message, "spec.columns")
    return Violation(
        column=column.name,
        rule=f"type {type_}" + (f", format {column.kind.format}" if column.kind.format else ""),
        found=f"{found.total} of {column.offered} values are not, the first in row {places[0].row}; "
        + _remedy(column, texts),
        examples=[text[:64] for text in texts],
        rows=[place.row for place in places],
        file=places[0].file or None,
    )


def _remedy(column: Column, texts: list[str]) -> str:
    words = [text for text in texts if not any(character.isdigit() for character in text) and len(text) < 32]
    if words and column.is_written:
        return (
            f"correct them, list {shown(words[0])} in spec.source.csv.missing, or declare another type in spec.columns"
        )
    return "correct them, or declare another type in spec.columns"
