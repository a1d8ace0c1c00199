"""Finds the header of a CSV file: which lines come before it, and whether a row of units comes after it."""

from __future__ import annotations

import re
from typing import NamedTuple

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.dialect import fit
from modelyard_runtime.tables.reading.left_out import counts_by_one
from modelyard_runtime.tables.reading.records import Record

_LIKE_DATA = re.compile(r"(?=.*\d)[-+.,:/' \u00a0\u202f\u2019\dTZeE%]+")
"""A number, a date or a time."""
_UNIT = re.compile(
    r"\[.*\]|\(.*\)|<.*>|[-–%‰°#]|°[CFK]|deg\w*|[µμnmkcMGdh]?(?:m|g|l|L|s|A|V|W|J|N|Pa|Hz|bar|eV|Ω|t|W?h)(?:[²³23]|\^[23])?"
    r"(?:[/·*](?:[µμnmkcd]?(?:m|g|l|L|s)|h|min|d|kg)(?:[²³23]|\^[23])?)*|min|hrs?|hours?|secs?|days?|years?|y|yr|d|"
    r"EUR|USD|GBP|CHF|JPY|€|\$|£|K|mol|ppm|ppb|pH|dB|kWh|MWh|in|ft|lbs?|oz|mph|kn|rpm|cd|lx|lm|count|counts|n|no\.?|"
    r"text|string|str|float|double|int|integer|number|numeric|bool|boolean|date|datetime|category|enum|units?",
)
_FEW = 3
"""The least rows from which all rows tell what a single one might have wrong."""
_VALUES_TOO = {"-", "–", "n", "y", "d", "no", "no.", "t", "l", "K", "#", "$", "€", "£", "count", "n/a"}
"""Units that may as well be values, or stand for a missing one."""


class Header(NamedTuple):
    names: list[str]
    width: int
    """How many values a row has. It may be one more than there are names."""
    end: int
    """The offset in the sample after the header."""
    row: int
    """The header's row in a spreadsheet."""
    skipped: list[str]
    """What stands before it."""
    units: list[str]
    """The row of units after it, if there is one."""


def is_like_data(cell: str) -> bool:
    return bool(_LIKE_DATA.fullmatch(cell.strip()))


def find(records: list[Record], file: str, skip: int | None) -> Header:
    """Returns the header. ``skip`` is how many rows stand before it, None if that is to be found out.

    Raises UserError if there is none, or if it isn't certain which row it is."""
    if skip is not None:
        index = next((i for i, record in enumerate(records) if record.row > skip and not record.is_blank), None)
    else:
        index = next((i for i, record in enumerate(records) if not record.is_blank), None)
    if index is None:
        message = f"{file!r} has no header; write a row with the names of the columns"
        raise UserError("EmptyTable" if not records else "NoHeader", message, "spec.source")
    if skip is None:
        index = _first_row(records, index, file)
    header = records[index]
    below = [record.cells for record in records[index + 1 :] if not record.is_blank]
    width = len(header.cells)
    most = fit(records[index + 1 :]).width if below else width
    if most == width + 1 and len(below) >= _FEW and all(len(cells) == most for cells in below):
        # A delimiter at the end of every line, or numbers of rows as R writes them, make rows longer than the header.
        if all(not cells[-1].strip() for cells in below) or counts_by_one([cells[0] for cells in below]):
            width = most
        elif skip is None:
            raise _unsure(records, index, index + 1, file)
    units = below[0] if below and _is_units(below[0], below[1:]) else []
    skipped = [record.cells for record in records[:index]]
    return Header(header.cells, width, header.end, header.row, [" ".join(cells).strip() for cells in skipped], units)


def _first_row(records: list[Record], first: int, file: str) -> int:
    """Returns the index of the header, from which on rows are as wide as most. Raises UserError if it isn't certain."""
    own = fit(records)
    start = next(
        (
            index
            for index, record in enumerate(records)
            if index >= first
            and len(record.cells) == own.width
            and (own.width < 3 or sum(map(bool, map(str.strip, record.cells))) > 1)
        ),
        first,
    )
    if start == first or own.width < 2:
        return first
    rows = [record.cells for record in records[start + 1 :] if len(record.cells) == own.width]
    before = records[first:start]
    has_header = is_header(records[start].cells, rows) or any(record.is_blank for record in before)
    if has_header and not any(map(is_like_data, records[start].cells)):
        return start
    if len(before) == 1 and len(before[0].cells) == own.width - 1:
        return first
    raise _unsure(records, first, start, file)


def _unsure(records: list[Record], first: int, start: int, file: str) -> UserError:
    top, other = records[first], records[start]
    message = (
        f"row {top.row} of {file!r} has {len(top.cells)} values, most rows have {len(other.cells)}; if row {other.row} "
        f"is the header, write spec.source.csv.skipRows: {other.row - 1}, else correct row {top.row}"
    )
    return UserError("NoHeader", message, "spec.source")


def is_header(cells: list[str], rows: list[list[str]]) -> bool:
    """Returns whether some column has numbers or dates below a name that is none."""
    for index, name in enumerate(cells):
        values = [row[index].strip() for row in rows[:50] if index < len(row) and row[index].strip()]
        if name.strip() and not is_like_data(name) and values and sum(map(is_like_data, values)) > 0.7 * len(values):
            return True
    return False


def _is_units(cells: list[str], rows: list[list[str]]) -> bool:
    """Returns whether all of ``cells`` are units or empty, and one that can't be a value stands above numbers."""
    given = [cell.strip() for cell in cells if cell.strip()]
    if not given or not all(map(_UNIT.fullmatch, given)):
        return False
    return is_header(["" if cell.strip() in _VALUES_TOO else cell for cell in cells], rows)
