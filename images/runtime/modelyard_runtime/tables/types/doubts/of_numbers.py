"""Doubts about columns of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.tables.types.column import Column
from modelyard_runtime.tables.types.doubts.tell import tell
from modelyard_runtime.tables.types.identity import is_named_code
from modelyard_runtime.tables.types.spans import Span

_EPOCHS = (("EpochSeconds", 1), ("EpochMilliseconds", 10**3), ("EpochMicroseconds", 10**6), ("EpochNanoseconds", 10**9))
_FROM, _TO = 946_684_800, 2_208_988_800
"""The seconds since 1970 of the years 2000 to 2039."""
_EXACT = 2**24
"""Up to here single precision tells whole numbers apart."""
_SHARE = 0.5


def of_type(column: Column, span: Span) -> Iterator[Doubt]:
    """Yields what speaks for another type than a number: at most one thing, the likeliest."""
    doubt = _dates(column, span) or _fine(column, span) or _code(column, span)
    if doubt:
        yield doubt


def of_values(column: Column, span: Span) -> Iterator[Doubt]:
    """Yields doubts about single numbers."""
    mark = span.mark()
    if mark is not None:
        count, place = span.marks[mark]
        message = (
            f"{column.title}: {count} values are {mark}, far from all others, which are {span.inner[0]:.10g} to "
            f'{span.inner[1]:.10g}; list "{mark}" in spec.source.csv.missing, or take it out of the source, if it '
            "stands for a missing one"
        )
        yield tell(column, "SentinelValue", message, count, mark, place)


def _dates(column: Column, span: Span) -> Doubt | None:
    if column.kind.type != "Integer" or not span.count or span.different < _SHARE * min(span.count, 100):
        return None
    text, place = column.evidence.first or (None, None)
    example = text if text is not None else int(span.least)
    for format_, factor in _EPOCHS:
        if _FROM * factor <= span.least and span.greatest <= _TO * factor:
            message = (
                f"{column.title} is read as Integer, but {int(span.least)} to {int(span.greatest)} look like times "
                f"since 1970; declare it in spec.columns Timestamp with the format {format_} if they are"
            )
            return tell(column, "EpochNumbers", message, span.count, example, place)
    if _is_day(int(span.least)) and _is_day(int(span.greatest)):
        message = (
            f"{column.title} is read as Integer, but {int(span.least)} to {int(span.greatest)} look like dates; "
            "declare it in spec.columns Timestamp with the format %Y%m%d if they are"
        )
        if span.left < span.different:
            message += f": as numbers {span.different} days are {span.left} in single precision"
        return tell(column, "DatesAsNumbers", message, span.count, example, place)
    return None


def _fine(column: Column, span: Span) -> Doubt | None:
    """Tells of whole numbers that single precision, in which models compute, can't tell apart."""
    too_large = column.evidence.is_too_large
    if max(abs(span.least), abs(span.greatest)) <= _EXACT or not (span.left < span.different or too_large):
        return None
    text, place = column.evidence.first or (None, None)
    what = f"{span.different} different values of the first rows are {span.left} in single precision"
    if too_large:
        what = "a number has 64 bits, and beyond 53 not all are told apart"
    message = (
        f"{column.title} has whole numbers up to {span.greatest:.0f}: {what}; declare it in "
        "spec.columns Identifier, Category or Timestamp, or list it in spec.ignore, if it is no quantity"
    )
    return tell(column, "LargeNumbers", message, span.count, text, place)


def _code(column: Column, span: Span) -> Doubt | None:
    if column.kind.type != "Integer" or not is_named_code(column.name):
        return None
    text, place = column.evidence.first or (None, None)
    message = (
        f"{column.title} is read as Integer, but its name is that of a code; declare it in spec.columns Category, or "
        "Identifier, if it is no quantity"
    )
    return tell(column, "CodesAsNumbers", message, span.count, text, place)


def _is_day(number: int) -> bool:
    if not 19_000_101 <= number <= 21_001_231:
        return False
    try:
        date(number // 10_000, number // 100 % 100, number % 100)
    except ValueError:
        return False
    return True
