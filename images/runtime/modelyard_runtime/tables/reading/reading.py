"""A table as it is read: its columns, what was guessed of its files, and its rows in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modelyard_api.fields.doubts import Doubt
from modelyard_api.fields.sources import Source
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading import csv_file, parquet_file
from modelyard_runtime.tables.reading.batch import Batch, NumberStyle
from modelyard_runtime.tables.reading.locate import kind_of
from modelyard_runtime.tables.reading.names import checked

__all__ = ["MISSING", "Batch", "NumberStyle", "Reading", "open_files"]

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A")
"""The words that count as missing in CSV unless ``source.csv.missing`` names others."""


@dataclass
class Reading:
    """A table whose rows have not been read yet. ``doubts`` may grow until the last batch has been taken."""

    names: list[str]
    text: bool
    """Whether columns are texts as written, whose types are inferred."""
    numbers: NumberStyle
    missing: tuple[str, ...]
    """The words that count as missing in columns of text."""
    size: int
    """Bytes of the source; 0 where that is not known."""
    read: Callable[[], Iterator[Batch]]
    doubts: list[Doubt] = field(default_factory=list)

    def batches(self) -> Iterator[Batch]:
        """Yields all rows from the beginning; may be called again. Raises UserError for what can't be read."""
        return self.read()


def open_files(files: list[Path], root: Path, source: Source) -> Reading:
    """Returns the table of ``files``, which are read in their order; columns are matched by name, in the first file's
    order. ``root`` is what names in messages are relative to. Raises UserError for what can't be read as a table."""
    kinds = [kind_of(file, source.format) for file in files]
    names = [str(file.relative_to(root)) for file in files]
    openers = {"CSV": csv_file, "Parquet": parquet_file}
    columns = [checked(openers[kind].columns(file), name) for file, kind, name in zip(files, kinds, names, strict=True)]
    for name, others in zip(names, columns, strict=True):
        if set(others) != set(columns[0]):
            message = f"{name} has the columns {others}, {names[0]} has {columns[0]}; give all files the same columns"
            raise UserError("ColumnsDiffer", message, "spec.source")

    def read() -> Iterator[Batch]:
        before = 0
        for file, kind, name, own in zip(files, kinds, names, columns, strict=True):
            for rows, first, done in openers[kind].rows(file):
                yield Batch(rows.rename_columns(own).select(columns[0]), name, first, before + done)
            before += file.stat().st_size

    text = "CSV" in kinds
    size = sum(file.stat().st_size for file in files)
    return Reading(columns[0], text, NumberStyle(), MISSING if text else ("",), size, read)
