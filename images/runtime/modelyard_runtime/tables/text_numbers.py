"""Recognizes and converts numbers that are written as text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_WHOLE, _INTEGER = r"^[+-]?(0|[1-9][0-9]*)$", r"^[+-]?[0-9]+(\.0*)?$"
_DECIMAL = r"(?i)^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?$"
_SPECIAL = r"(?i)^[+-]?(nan|inf|infinity)$"


def kind_of(column: pa.Array) -> str | None:
    """Returns Integer or Float, the narrower one that holds all strings, or None if a string is not a number.

    ``01234`` is not a number, since it would lose its zero: it is a postal code, not a count. Neither is ``0x1F``.
    """
    if _all(column, _WHOLE) and _fit(column):
        return "Integer"
    return "Float" if _all(column, f"{_DECIMAL}|{_SPECIAL}") else None


def numbers_among(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Returns the numbers that texts are, null for other texts, and a mask of those other texts."""
    is_number = pc.fill_null(pc.match_substring_regex(column, f"{_DECIMAL}|{_SPECIAL}"), True)
    return to_float(pc.if_else(is_number, column, pa.scalar(None, column.type))), pc.invert(is_number)


def to_integer(column: pa.Array) -> pa.Array:
    """Converts a column declared Integer; leading zeros, a plus and a fraction of zeros are allowed. Raises
    pa.ArrowInvalid."""
    if not _all(column, _INTEGER):
        raise pa.ArrowInvalid("not all are whole numbers")
    return pc.cast(pc.replace_substring_regex(column, r"^\+|\.0*$", ""), pa.int64())


def to_float(column: pa.Array) -> pa.Array:
    """Converts a column declared or inferred Float. Raises pa.ArrowInvalid."""
    return pc.cast(pc.replace_substring_regex(column, r"^\+", ""), pa.float64())


def _all(column: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(column, pattern)).as_py() is not False


def _fit(column: pa.Array) -> bool:
    try:
        to_integer(column)
    except pa.ArrowInvalid:
        return False
    return True
