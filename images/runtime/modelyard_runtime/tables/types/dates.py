"""Recognizes how dates are written: which format holds all texts of a column, and whether it is certain."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

ISO = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T ](?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
"""A date of ISO 8601, or a date and a time, with a zone or without."""
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)(.*)", re.ASCII)
_YEAR_FIRST = re.compile(r"\d{4}([./-])\d{1,2}\1\d{1,2}(?!\d)(.*)", re.ASCII)
_CERTAIN = (
    "%Y-%m", "%Y/%m", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ", "%G-W%V-%u", "%d/%b/%Y:%H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d.%b.%Y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%d. %B %Y", "%B %d, %Y",
    "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%d %b %Y %H:%M", "%d %b %Y %H:%M:%S", "%d-%b-%Y %H:%M:%S",
)  # fmt: skip
_TIMES = (
    ("", r""), (" %H:%M", r" \d{1,2}:\d\d"), (" %H:%M:%S", r" \d{1,2}:\d\d:\d\d"),
    (" %H:%M:%S.%f", r" \d{1,2}:\d\d:\d\d\.\d{1,6}"), (" %I:%M %p", r" \d{1,2}:\d\d [AaPp][Mm]"),
    (" %I:%M:%S %p", r" \d{1,2}:\d\d:\d\d [AaPp][Mm]"), ("T%H:%M:%S", r"T\d\d:\d\d:\d\d"),
    (", %H:%M", r", \d{1,2}:\d\d"), (", %H:%M:%S", r", \d{1,2}:\d\d:\d\d"),
)  # fmt: skip
_TIMES_COMPILED = tuple((code, re.compile(pattern, re.ASCII)) for code, pattern in _TIMES)
TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?( ?[AaPp][Mm])?", re.ASCII)
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_CANDIDATE = re.compile(
    rf"\d{{4}}[-/]\d\d|\d{{8}}T\d{{6}}Z?|\d{{4}}-W\d\d-\d|.*\b({_MONTH})[a-z]*\b.*", re.I | re.ASCII
)
ISO_FORMAT = ""
"""Stands for ISO 8601 among formats."""


class Dates:
    """Counts texts by the formats that they may be written in.

    Of dates such as ``03/04/2025`` either number may be the day: they are counted by what stands between and after
    the numbers, together with how many have a first, or a second, number above 12.
    """

    def __init__(self) -> None:
        self.formats: Counter[str] = Counter()
        self.unclear: Counter[tuple[str, str, str]] = Counter()
        self._above: Counter[tuple[tuple[str, str, str], int]] = Counter()
        self._certain: str | None = None

    def add(self, text: str, count: int) -> bool:
        """Counts a text; returns whether it may be a date."""
        if not any(character.isdigit() for character in text[:24]) or len(text) > 40:
            return False
        if ISO.fullmatch(text):
            self.formats[ISO_FORMAT] += count
            return True
        if match := _NUMERIC.fullmatch(text):
            return self._numeric(match, count)
        if (match := _YEAR_FIRST.fullmatch(text)) and (time := _time(match[2])) is not None:
            format_ = f"%Y{match[1]}%m{match[1]}%d{time}"
            if _fits(text, format_):
                self.formats[format_] += count
                return True
        if not _CANDIDATE.fullmatch(text):
            return False
        format_ = next((each for each in (self._certain, *_CERTAIN) if each and _fits(text, each)), "")
        self._certain = format_ or self._certain
        self.formats[format_] += count if format_ else 0
        return bool(format_)

    def confirm(self, format_: str, count: int) -> None:
        """Counts texts that were read in this format."""
        for shape in self.unclear:
            if format_ in self.readings(shape):
                self.unclear[shape] += count
                return
        self.formats[format_] += count

    def _numeric(self, match: re.Match[str], count: int) -> bool:
        time = _time(match[5])
        first, second, year = int(match[1]), int(match[3]), match[4]
        if time is None or not (1 <= min(first, second) <= 12 and max(first, second) <= 31):
            return False
        shape = (match[2], "%Y" if len(year) == 4 else "%y", time)
        self.unclear[shape] += count
        for position, number in enumerate((first, second)):
            self._above[shape, position] += count if number > 12 else 0
        self._above[shape, 2] += count if len(year) == 4 or int(year) > 31 else 0
        return True

    def best(self) -> tuple[str | None, int]:
        """Returns the format of most texts, and how many it holds; None and 0 if none is certain."""
        best: tuple[str | None, int] = max(self.formats.items(), key=lambda item: item[1], default=(None, 0))
        for shape, count in self.unclear.items():
            day_first, month_first = self._above[shape, 0], self._above[shape, 1]
            has_year = self._above[shape, 2] > 0
            wrong = min(day_first, month_first)
            # With two digits of the year, what has its day first may have its year there; a year is never the second.
            is_certain = month_first > day_first or (has_year and day_first > month_first)
            if is_certain and wrong <= 0.1 * count and count - wrong > best[1]:
                best = self.readings(shape)[day_first < month_first], count - wrong
        return best

    @property
    def count(self) -> int:
        """How many texts may be dates."""
        return sum(self.formats.values()) + sum(self.unclear.values())

    def are_mixed(self, shape: tuple[str, str, str]) -> bool:
        """Whether some have their day first for certain, and some their month."""
        return self._above[shape, 0] > 0 and self._above[shape, 1] > 0

    @staticmethod
    def readings(shape: tuple[str, str, str]) -> tuple[str, str]:
        """Returns the formats with the day first and with the month first."""
        between, year, time = shape
        return f"%d{between}%m{between}{year}{time}", f"%m{between}%d{between}{year}{time}"


def _time(text: str) -> str | None:
    return next((code for code, pattern in _TIMES_COMPILED if pattern.fullmatch(text)), None)


def _fits(text: str, format_: str) -> bool:
    try:
        datetime.strptime(text, format_)
    except ValueError:
        return False
    return True
