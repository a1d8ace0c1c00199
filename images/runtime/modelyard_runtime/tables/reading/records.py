"""Splits the beginning of a CSV file into records, with their positions: what its dialect and header are told from."""

from __future__ import annotations

import csv
import re
from typing import NamedTuple

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")
MOST_RECORDS = 2000

csv.field_size_limit(1 << 26)


class Record(NamedTuple):
    """One record: its cells as written, the offset of its end in the text, and its row in a spreadsheet."""

    cells: list[str]
    end: int
    row: int

    @property
    def is_blank(self) -> bool:
        return not any(map(str.strip, self.cells))


def lines_of(text: str) -> list[str]:
    """Returns the lines with their ends, which may be of all three kinds."""
    return _LINE.findall(text)


def split(text: str, delimiter: str, quote: str, whole: bool) -> list[Record]:
    """Returns the first records of ``text``, blank ones among them. The last one is left out, if there is another and
    the text is not ``whole``: it may go on."""
    lines = lines_of(text)
    ends = [0]
    for line in lines:
        ends.append(ends[-1] + len(line))
    quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    # A space before a quote is none of the value, as in: a, "b, c".
    spaced = bool(quote) and re.search(rf"{re.escape(delimiter)} +{quote}", text) is not None
    reader = csv.reader(
        iter(lines), delimiter=delimiter, quotechar=quote or None, quoting=quoting, skipinitialspace=spaced
    )
    records: list[Record] = []
    try:
        for cells in reader:
            records.append(Record(cells, ends[reader.line_num], len(records) + 1))
            if len(records) > MOST_RECORDS:
                return records[:-1]
    except csv.Error:
        return records
    return records if whole or len(records) < 2 else records[:-1]
