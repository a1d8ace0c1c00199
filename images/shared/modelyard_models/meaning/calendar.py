"""The numbers that a model knows a time by, and the text of it that every reader understands.

Arrays of instants are ``datetime64[us]`` in UTC, with NaT for a missing one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_models.meaning.instants import zone

Instants = NDArray[np.datetime64]
_START, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_HOUR, _DAY = 3_600_000_000, 86_400_000_000
EPOCH = np.datetime64("2000-01-01", "us")
"""The instant that days are counted from: near today, so that single precision tells minutes apart for decades."""


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


def part(instants: Instants, name: str, time_zone: str | None = None) -> NDArray[np.float64]:
    """Returns one number of each instant, ``days`` or a part of CALENDAR in this time zone [UTC]; NaN for NaT."""
    if name == "days":
        return days(instants)
    numbers = CALENDAR[name](_local(instants, time_zone)).astype(np.float64)
    numbers[np.isnat(instants)] = np.nan
    return numbers


def _local(instants: Instants, time_zone: str | None) -> Instants:
    """Returns the times that clocks in the zone showed at these instants, as if they were instants."""
    if time_zone is None or time_zone == "UTC":
        return instants
    known = ~np.isnat(instants)
    # In living memory clocks changed on the quarter of an hour, so one look serves all instants of the same.
    quarters, where = np.unique(instants[known].astype(np.int64) // (_HOUR // 4), return_inverse=True)
    shifts = np.array([_shift(int(quarter) * (_HOUR // 4), time_zone) for quarter in quarters], dtype="m8[us]")
    local = instants.copy()
    local[known] += shifts[where]
    return local


def _shift(instant: int, time_zone: str) -> int:
    """Returns by how much clocks in the zone were ahead of UTC."""
    try:
        offset = (_START + instant * _MICROSECOND).astimezone(zone(time_zone)).utcoffset()
    except OverflowError:  # the first and the last day of the calendar
        return 0
    return (offset or timedelta()) // _MICROSECOND
