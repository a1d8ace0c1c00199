"""Finds out how a CSV file separates and quotes its values."""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import NamedTuple

from modelyard_runtime.tables.reading.blocks import Cutter, Misquoted
from modelyard_runtime.tables.reading.records import Record, split

DELIMITERS = ";\t|,"
"""What is tried, in the order of preference where several fit equally well."""
NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar", " ": "a space"}
_ENOUGH = 48 << 10
"""How many characters are looked at, as far as they hold a whole line."""
_FITS = 0.9
"""The share of records from the header on that have the same number of values where a delimiter fits."""
_COMMA_NUMBER = re.compile(r"[-+]?\d{1,3}(?:[.' ]?\d{3})*,\d+")


class Fit(NamedTuple):
    """How well a delimiter fits: the number of values in most records, the first record that has it, and the share of
    the records from there on that have it."""

    width: int
    start: int
    share: float


class Dialect(NamedTuple):
    delimiter: str
    quote: str
    doubt: str | None
    """What else it could be."""
    field: str = "delimiter"
    """The field of spec.source.csv that decides it."""


def fit(records: list[Record]) -> Fit:
    """Returns how well the delimiter fits by which ``records`` were split."""
    full = [(index, len(record.cells)) for index, record in enumerate(records) if not record.is_blank]
    if not full:
        return Fit(1, 0, 0.0)
    counts = Counter(width for _, width in full)
    # Lines before the header have few values, so that of two counts that are as frequent the greater one is the table.
    width = max(counts, key=lambda value: (counts[value] if value > 1 else counts[value] / 2, value))
    start = next(index for index, own in full if own == width)
    rest = [own for index, own in full if index >= start]
    return Fit(width, start, rest.count(width) / len(rest))


def found_out(text: str, whole: bool, delimiter: str | None, quote: str | None, preferred: str = "") -> Dialect:
    """Returns the dialect of a file that begins with ``text``; what is given is taken as it is."""
    if len(text) > _ENOUGH and (end := max(text.rfind("\n", 0, _ENOUGH), text.rfind("\r", 0, _ENOUGH))) > 0:
        text, whole = text[: end + 1], False
    if quote is not None:
        return _with_quote(text, whole, delimiter, quote, preferred)
    double, single = (_with_quote(text, whole, delimiter, mark, preferred) for mark in "\"'")
    bare = double.delimiter == "\t" and _is_misquoted(text, whole)
    if bare and fit(split(text, "\t", "", whole)).share == 1:
        # Databases write texts between tabs as they are.
        return Dialect("\t", "", "with quotes as characters like others, since they enclose no values", "quote")
    if re.search(rf"(?:^|[\r\n{re.escape(delimiter or DELIMITERS)}]) *\"", text) or "'" not in text:
        return double
    records = [split(text, each.delimiter, each.quote, whole) for each in (double, single)]
    is_better = fit(records[1]).share == 1 > fit(records[0]).share
    return single if is_better or _has_wrapped_column(records[0]) else double


def _is_misquoted(text: str, whole: bool) -> bool:
    """Returns whether some quote between tabs is closed before the end of its value, or never."""
    try:
        list(Cutter("\t", '"').blocks(io.BytesIO(text.encode("latin-1")).read))
    except Misquoted as error:
        return whole or not error.is_open
    return False


def _has_wrapped_column(records: list[Record]) -> bool:
    """Returns whether all values of some column below the header stand between single quotes."""
    rows = [record.cells for record in records[1:] if len(record.cells) == len(records[0].cells)]
    for values in zip(*rows, strict=True):
        given = [value.strip() for value in values if value.strip()]
        if len(given) > 1 and all(len(value) > 1 and value[0] == value[-1] == "'" for value in given):
            return True
    return False


def _with_quote(text: str, whole: bool, delimiter: str | None, quote: str, preferred: str) -> Dialect:
    if delimiter is not None:
        return Dialect(delimiter, quote, None)
    fits = {each: fit(split(text, each, quote, whole)) for each in preferred + DELIMITERS}
    good = {each: own for each, own in fits.items() if own.width > 1 and own.share >= _FITS}
    if _is_one_column_of_decimals(text):
        return Dialect(";", quote, "as one column of numbers with a decimal comma, though two columns would fit too")
    if not good:
        # Too few records agree: the header's delimiter is the best guess, and the reader names the first other row.
        header = split(text, ",", quote, whole)[:1]
        line = text[: header[0].end] if header else ""
        best = max(DELIMITERS[::-1], key=line.count)
        return Dialect(best if line.count(best) else ",", quote, None)
    first = min(own.start for own in good.values())
    best, *others = [each for each, own in good.items() if own.start == first]
    doubt = None
    if others and best != preferred:
        doubt = f"with {NAMES[best]} between values, though {' or '.join(NAMES[each] for each in others)} would fit too"
    return Dialect(best, quote, doubt)


def _is_one_column_of_decimals(text: str) -> bool:
    """Returns whether the header is one name and every other line is one number with a decimal comma."""
    lines = [line.strip() for line in text.splitlines()[:200] if line.strip()]
    return len(lines) > 2 and "," not in lines[0] and all(map(_COMMA_NUMBER.fullmatch, lines[1:-1]))
