"""Names the row and the column of a byte in a piece of a CSV file: used when something is wrong there."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from modelyard_runtime.tables.reading.records import lines_of


def place(data: bytes, position: int, delimiter: str, quote: str) -> tuple[int, int]:
    """Returns how many records end before the byte at ``position``, blank ones among them, and how many values of its
    own record do."""
    # The letter stands for the byte, so that its record is the last one also where it is the record's first.
    text = data[:position].decode("latin-1") + "x"
    quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    records, last = 0, [""]
    for cells in csv.reader(iter(lines_of(text)), delimiter=delimiter, quotechar=quote or None, quoting=quoting):
        records, last = records + 1, cells
    return records - 1, len(last) - 1


def column_of(names: Sequence[str], index: int) -> str:
    """Returns how a message names the column at ``index``, which may be one that has no name."""
    return f"column {names[index]!r}" if index < len(names) and names[index] else f"column {index + 1}"
