"""Instants that are written as texts: ISO 8601, a format with strptime's codes, or a number since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(?: ?([Zz]|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII,
)
"""A date, or a date and a time down to the nanosecond, which is cut to the microsecond, with or without a zone."""
EPOCHS = {"EpochSeconds": 1_000_000, "EpochMilliseconds": 1_000, "EpochMicroseconds": 1, "EpochNanoseconds": 0.001}
"""Formats of numbers since 1970-01-01 in UTC, with the microseconds of one."""
_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBER = re.compile(r"[+-]?\d{1,19}(\.\d*)?", re.ASCII)
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999, which is what dates can be."""


@lru_cache(maxsize=64)
def zone(name: str | None) -> tzinfo:
    """Returns a time zone by its IANA name, UTC for None. Raises ZoneInfoNotFoundError (a KeyError) or ValueError."""
    return UTC if name is None else ZoneInfo(name)


def instant(text: str, format_: str | None = None, time_zone: str | None = None) -> int:
    """Returns the microseconds since 1970 in UTC that a cleaned text says. Raises ValueError if it says none.

    Without ``format_`` it is ISO 8601. A time without an offset is one of ``time_zone``: where clocks are put back and
    it comes twice, the first is taken; where they are put forward and it never comes, the offset before that holds.
    """
    if format_ in EPOCHS:
        return since_1970(text, format_)
    return of_datetime(written(text, format_), zone(time_zone))


def written(text: str, format_: str | None) -> datetime:
    """Returns the date and time as they are written, with their offset if there is one. Raises ValueError."""
    if format_ is not None:
        return datetime.strptime(text, format_)
    match = ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:64]!r} is no date of ISO 8601")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, offset = match[7] or "", match[8]
    microsecond = int(fraction[:6].ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, microsecond, _offset(offset))


def of_datetime(moment: datetime, local: tzinfo) -> int:
    """Returns the microseconds since 1970 of a date and time, which is local if it has no offset. Raises ValueError."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=local)
    micros = (aware - _START) // _MICROSECOND
    if not FIRST <= micros <= LAST:
        raise ValueError(f"{moment} is not within the years 1 to 9999 in UTC")
    return micros


def since_1970(text: str, format_: str) -> int:
    """Returns the microseconds since 1970 that a number says. Raises ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:64]!r} is no number since 1970")
    whole, _, fraction = text.partition(".")
    scale = EPOCHS[format_]
    if scale < 1:
        micros = int(whole) // 1000
    else:
        micros = int(whole) * int(scale)
        if fraction.strip("0"):
            part = int(fraction[:6].ljust(6, "0")) * int(scale) // 1_000_000
            micros += -part if whole.startswith("-") else part
    if not FIRST <= micros <= LAST:
        raise ValueError(f"{text[:64]!r} is not within the years 1 to 9999")
    return micros


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if minutes > 59:
        raise ValueError(f"{text} is no offset from UTC")
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if text[0] == "-" else delta)
