"""Reads the times of a request, or of a table that is scored."""

from __future__ import annotations

from modelyard_models.instants import EPOCHS, parse


def asked(text: str, format_: str | None, time_zone: str | None) -> int:
    """Returns the microseconds since 1970 that a cleaned text stands for: in the column's own format, or in ISO 8601.

    Raises ValueError, whose message says what is allowed.
    """
    try:
        return parse(text, format_, time_zone)
    except (ValueError, OverflowError):
        pass
    try:
        return parse(text, None, time_zone)
    except (ValueError, OverflowError):
        raise ValueError(f"a Timestamp is {expected(format_)}") from None


def expected(format_: str | None) -> str:
    """Returns what a Timestamp of this format is asked as, for messages."""
    own = f"a number, as {format_}, or " if format_ in EPOCHS else f"of the format {format_!r}, or " if format_ else ""
    return f"{own}a text of ISO 8601, such as 2026-03-01T14:30:00Z"
