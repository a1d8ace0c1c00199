"""Reads a CSV file in batches of texts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from modelyard_runtime.pod.errors import UserError


def columns(file: Path) -> list[str]:
    """Returns the header. Raises UserError if there is none."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            return next(csv.reader(lines))
    except (UnicodeDecodeError, csv.Error, OSError, StopIteration) as error:
        raise _unreadable(file, error) from error


def rows(file: Path) -> Iterator[tuple[pa.RecordBatch, int, int]]:
    """Yields batches with the number of their first row and the bytes read so far. Raises UserError."""
    convert = pa.csv.ConvertOptions(column_types={name: pa.string() for name in columns(file)})
    convert.strings_can_be_null = False
    first = 2
    try:
        with pa.csv.open_csv(
            file,
            read_options=pa.csv.ReadOptions(block_size=4 << 20),
            convert_options=convert,
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        ) as reader:
            for batch in reader:
                yield batch, first, 0
                first += len(batch)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> UserError:
    problem = str(error).splitlines()[0][:200] if str(error) else "it is empty"
    return UserError("UnreadableFile", f"{file.name!r} can't be read as CSV: {problem}", "spec.source")
