"""Finds out how the numbers of a CSV file are written: 12,5 or 12.5, 1.234,50 or 1,234.50 or 1'234.50 or 1 234,50."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.csv import CSV
from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.tables.reading.batch import NumberStyle

SPACES = " \u00a0\u2009\u202f"
APOSTROPHES = "'\u2019"
_NUMBER = re.compile(rf"[-+−]?(?P<body>\d[\d.,{SPACES}{APOSTROPHES}]*)(?:[eE][-+]?\d+)?")
_GROUPED = {
    mark: re.compile(rf"(?!0\d)\d{{1,3}}(?:{chars}\d{{3}})+(?P<rest>[.,]\d*)?")
    for mark, chars in ((".", r"\."), (",", ","), ("'", f"[{APOSTROPHES}]"), (" ", f"[{SPACES}]"))
}
_SHARE = 0.9
"""The share of a column's values that must be numbers for it to tell anything."""
_MOST = 2000
_OPEN = "DecimalsOrThousands"


class _Seen(NamedTuple):
    """An example of a value, with its row."""

    value: str
    row: int
    column: str
    file: str


@dataclass
class Evidence:
    """What numbers were seen. ``certain`` has a value for each style that only one reading explains."""

    certain: dict[tuple[str, str], _Seen] = field(default_factory=dict)
    """(kind, mark) -> the first value that proves it: kind is "decimal" or "thousands"."""
    open: list[tuple[str, _Seen, int]] = field(default_factory=list)
    """(mark, first value, how many) of columns whose mark can be either: exactly three digits follow it each time."""

    def look(self, name: str, values: Iterable[tuple[str, int]], missing: tuple[str, ...], file: str) -> None:
        """Looks at the values of one column, each with its row."""
        given = [_Seen(text.strip(), row, name, file) for text, row in values]
        given = [seen for seen in given if seen.value and seen.value not in missing][:_MOST]
        numbers = [(match["body"], seen) for seen in given if (match := _NUMBER.fullmatch(seen.value))]
        if not given or len(numbers) < _SHARE * len(given):
            return
        proofs: dict[tuple[str, str], _Seen] = {}
        either: dict[str, list[_Seen]] = {}
        for body, seen in numbers:
            for proof in _proofs(body):
                proofs.setdefault(proof, seen)
            if mark := _either(body):
                either.setdefault(mark, []).append(seen)
        self.certain = proofs | self.certain
        self.open += [
            (mark, seen[0], len(seen))
            for mark, seen in either.items()
            if not {("decimal", mark), ("thousands", mark)} & proofs.keys()
        ]

    def add(self, other: Evidence) -> None:
        """Adds what was seen in another file of the same table."""
        self.certain = other.certain | self.certain
        self.open += other.open

    def style(self, csv: CSV, delimiter: str) -> tuple[NumberStyle, list[Doubt]]:
        """Returns how numbers are read, and what is doubtful of it; what ``csv`` says is no doubt."""
        doubts: list[Doubt] = []
        decimal = csv.decimal or self._decimal(csv.thousands, delimiter)
        certain = [mark for kind, mark in self.certain if kind == "thousands"]
        marks = [mark for mark in (*certain, *(mark for mark, _, _ in self.open)) if mark != decimal]
        thousands = csv.thousands if csv.thousands is not None else next(iter(marks), "")
        if csv.decimal is None and csv.thousands is None:
            point, comma = self.certain.get(("decimal", ".")), self.certain.get(("decimal", ","))
            if point and comma:
                doubts.append(_mixed(point, comma))
            for mark, seen, count in self.open:
                if mark == "." or not point:
                    doubts.append(_open(mark, mark == decimal, seen, count))
        return NumberStyle(decimal, thousands), doubts

    def _decimal(self, thousands: str | None, delimiter: str) -> str:
        if thousands in (".", ","):
            return "," if thousands == "." else "."
        for mark in ".,":
            if ("decimal", mark) in self.certain:
                return mark
        if ("thousands", ".") in self.certain:
            return ","
        only_commas = {mark for mark, _, _ in self.open} == {","}
        return "," if only_commas and delimiter != "," else "."


class Watch:
    """Looks at all values of columns that are in doubt by their first ones, for one that decides that the mark is that
    before decimals: not three digits follow it, or more than three precede it."""

    def __init__(self, style: NumberStyle, doubts: list[Doubt]) -> None:
        self._mark = style.decimal
        self._columns = {doubt.column for doubt in doubts if doubt.reason == _OPEN and self._mark in str(doubt.example)}
        self.decided: set[str | None] = set()

    def look(self, rows: pa.RecordBatch) -> None:
        for name in self._columns - self.decided:
            texts = pc.utf8_trim_whitespace(rows.column(name))
            is_number = pc.match_substring_regex(texts, rf"^[-+]?[0-9]*[{self._mark}][0-9]*$")
            is_open = pc.match_substring_regex(texts, rf"^[-+]?[1-9][0-9]{{0,2}}[{self._mark}][0-9]{{3}}$")
            if pc.any(pc.and_not(is_number, is_open)).as_py():
                self.decided.add(name)


def _doubt(reason: str, message: str, seen: _Seen, count: int | None) -> Doubt:
    return Doubt(
        column=seen.column,
        reason=reason,
        message=message,
        count=count,
        example=seen.value,
        row=seen.row,
        file=seen.file,
    )


def _mixed(point: _Seen, comma: _Seen) -> Doubt:
    message = (
        f"numbers have a decimal point, as {point.value!r} in column {point.column!r}, and a decimal comma, as "
        f"{comma.value!r}: the point is taken; write spec.source.csv.decimal, or write them alike"
    )
    return _doubt("DecimalMixed", message, comma, None)


def _open(mark: str, is_decimal: bool, seen: _Seen, count: int) -> Doubt:
    is_, other = ("decimal", "thousands") if is_decimal else ("thousands", "decimal")
    message = (
        f"each value that was looked at has three digits after {mark!r}, as {seen.value!r}, which is taken for the "
        f"{is_} mark; if it is the {other} mark, write spec.source.csv.{other}: {mark!r}, else {is_}: {mark!r}"
    )
    return _doubt(_OPEN, message, seen, count)


def _proofs(body: str) -> list[tuple[str, str]]:
    """Returns what a number proves of the style: 1.234,5 that "," is before decimals and "." between thousands."""
    proofs = []
    for mark, pattern in _GROUPED.items():
        match = pattern.fullmatch(body)
        if not match:
            continue
        rest = match["rest"] or ""
        whole = body[: len(body) - len(rest)]
        groups = sum(not char.isdigit() for char in whole)
        if rest[:1] == mark:
            continue
        if mark in "' " or groups > 1 or rest:
            proofs.append(("thousands", mark))
        if rest:
            proofs.append(("decimal", rest[0]))
        elif mark in ".," and groups > 1:
            proofs.append(("decimal", "," if mark == "." else "."))
    if not proofs and (match := re.fullmatch(r"(\d*)([.,])(\d*)", body)):
        before, mark, after = match.groups()
        if len(after) != 3 or len(before) > 3 or before.startswith("0"):
            proofs.append(("decimal", mark))
    return proofs


def _either(body: str) -> str | None:
    """Returns the mark of a number like 12.345 or 12,345, which can be either."""
    match = re.fullmatch(r"(?!0)\d{1,3}([.,])\d{3}", body)
    return match[1] if match else None
