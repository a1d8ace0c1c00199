"""What a time means: how it is read from a text, and the numbers that a model knows it by.

An instant is counted in microseconds since 1970-01-01 in UTC; arrays of them are ``datetime64[us]``, with NaT for a
missing one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Instants = NDArray[np.datetime64]
_START, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_HOUR, _DAY = 3_600_000_000, 86_400_000_000
EPOCH = np.datetime64("2000-01-01", "us")
"""The instant that days are counted from: near today, so that single precision tells minutes apart for decades."""


EPOCHS = {
    "EpochSeconds": (1_000_000, 1),
    "EpochMilliseconds": (1_000, 1),
    "EpochMicroseconds": (1, 1),
    "EpochNanoseconds": (1, 1_000),
}
"""Formats of numbers since 1970-01-01 in UTC: what they are multiplied with, and then divided by, to microseconds."""
_NUMBER = re.compile(r"([+-]?)(\d{1,20})(?:\.(\d*))?", re.ASCII)
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first instant of the year 1, and the last of 9999."""


def parse(text: str, format_: str | None = None, zone: str | None = None) -> int:
    """Returns the instant that a text stands for. Raises ValueError.

    The text is of ISO 8601, such as 2026-03-01, 2026-03-01 14:30 or 2026-03-01T14:30:00.5+02:00, or of a format of
    strptime, or a number by one of EPOCHS. A time without a zone of its own is one of ``zone`` [UTC]: the first of two
    where clocks are put back, and by the earlier offset where they are put forward over it.
    """
    if format_ in EPOCHS:
        return _since_1970(text, format_)
    time = datetime.fromisoformat(text) if format_ is None else datetime.strptime(text, format_)
    if time.tzinfo is None:
        time = time.replace(tzinfo=_zone(zone))
    return (time - _START) // _MICROSECOND


def _since_1970(text: str, format_: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:64]!r} is no number since 1970")
    factor, divisor = EPOCHS[format_]
    fraction = (match[3] or "")[:6].ljust(6, "0")
    micros = int(match[2] + fraction) * factor // divisor // 1_000_000
    micros = -micros if match[1] == "-" else micros
    if not FIRST <= micros <= LAST:
        raise ValueError(f"{text[:64]!r} is not within the years 1 to 9999")
    return micros


def shown(instants: Instants) -> list[str | None]:
    """Returns the texts of instants in ISO 8601, which stand for the same whatever a column's format and zone are; None
    for NaT, and for years that have no four digits."""
    first, last = np.datetime64("0001-01-02", "us"), np.datetime64("9999-12-30", "us")
    known = (instants >= first) & (instants <= last)
    texts = np.datetime_as_string(instants, "us").tolist()
    return [f"{text.removesuffix('.000000')}+00:00" if is_ else None for text, is_ in zip(texts, known, strict=True)]


def days(instants: Instants) -> NDArray[np.float64]:
    """Returns the days since EPOCH, with their fraction; NaN for NaT."""
    numbers = (instants - EPOCH).astype(np.int64) / _DAY
    numbers[np.isnat(instants)] = np.nan
    return numbers


def _month(local: Instants) -> NDArray[Any]:
    return local.astype("M8[M]").astype(np.int64) % 12 + 1


def _day(local: Instants) -> NDArray[Any]:
    return (local.astype("M8[D]") - local.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1


def _weekday(local: Instants) -> NDArray[Any]:
    return (local.astype("M8[D]").astype(np.int64) + 3) % 7


def _hour(local: Instants) -> NDArray[Any]:
    return local.astype(np.int64) % _DAY / _HOUR


CALENDAR: dict[str, Callable[[Instants], NDArray[Any]]] = {
    "month": _month,
    "day": _day,
    "weekday": _weekday,
    "hour": _hour,
}
"""Part of the local date and time -> its number: month 1 to 12, day of the month 1 to 31, weekday 0 (Monday) to 6, and
hour 0 to 24 with its fraction."""


def part(instants: Instants, name: str, zone: str | None = None) -> NDArray[np.float64]:
    """Returns one number of each instant, ``days`` or a part of CALENDAR in this time zone [UTC]; NaN for NaT."""
    if name == "days":
        return days(instants)
    numbers = CALENDAR[name](_local(instants, zone)).astype(np.float64)
    numbers[np.isnat(instants)] = np.nan
    return numbers


def _local(instants: Instants, zone: str | None) -> Instants:
    """Returns the times that clocks in the zone showed at these instants, as if they were instants."""
    if zone is None or zone == "UTC":
        return instants
    known = ~np.isnat(instants)
    # In living memory clocks changed on the quarter of an hour, so one look serves all instants of the same.
    quarters, where = np.unique(instants[known].astype(np.int64) // (_HOUR // 4), return_inverse=True)
    shifts = np.array([_shift(int(quarter) * (_HOUR // 4), zone) for quarter in quarters], dtype="m8[us]")
    local = instants.copy()
    local[known] += shifts[where]
    return local


def _shift(instant: int, zone: str) -> int:
    """Returns by how much clocks in the zone were ahead of UTC."""
    try:
        offset = (_START + instant * _MICROSECOND).astimezone(_zone(zone)).utcoffset()
    except OverflowError:  # the first and the last day of the calendar
        return 0
    return (offset or timedelta()) // _MICROSECOND


@lru_cache(maxsize=64)
def _zone(name: str | None) -> Any:
    return UTC if name is None or name == "UTC" else ZoneInfo(name)
