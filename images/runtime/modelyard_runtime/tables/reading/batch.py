"""What readers of all formats hand on: batches of rows, and how the file writes its values."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa


class Batch(NamedTuple):
    """Some rows in their order: at most about 64Ki rows or 32 MiB."""

    rows: pa.RecordBatch
    """Of text formats every column is pa.string() as written (not trimmed; null where the field is absent). Of typed
    formats the columns have the file's own Arrow types."""
    file: str
    """The file's name for messages; "" for a query."""
    first_row: int
    """The number of its first row as a spreadsheet shows it: in a CSV file the header is row 1 unless lines precede it,
    and a quoted newline makes no row. In other formats rows count from 1."""
    done: int
    """Bytes of the source that were read up to the end of this batch; 0 where that is not known."""


class NumberStyle(NamedTuple):
    """How numbers are written in texts."""

    decimal: str = "."
    thousands: str = ""
