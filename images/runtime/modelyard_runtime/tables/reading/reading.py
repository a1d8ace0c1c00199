"""A table as it is read: its columns, what was guessed of its files, and its rows in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from modelyard_api.fields.csv import CSV
from modelyard_api.fields.doubts import Doubt
from modelyard_api.fields.sources import Source
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.batch import Batch, NumberStyle
from modelyard_runtime.tables.reading.csv_file import CSVFile
from modelyard_runtime.tables.reading.json_file import JSONFile
from modelyard_runtime.tables.reading.locate import kind_of
from modelyard_runtime.tables.reading.numbers import Evidence, Watch
from modelyard_runtime.tables.reading.parquet_file import ParquetFile

__all__ = ["MISSING", "Batch", "NumberStyle", "Reading", "open_files"]

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A")
"""The words that count as missing in CSV unless ``source.csv.missing`` names others."""
File = CSVFile | ParquetFile | JSONFile


@dataclass
class Reading:
    """A table whose rows have not been read yet."""

    names: list[str]
    text: bool
    """Whether columns are texts as written, whose types are inferred."""
    numbers: NumberStyle
    missing: tuple[str, ...]
    """The words that count as missing in columns of text."""
    size: int
    """Bytes of the source; 0 where that is not known."""
    read: Callable[[], Iterator[Batch]]
    guesses: Callable[[], list[Doubt]] = list
    told: list[Doubt] = field(default_factory=list)
    """What is doubtful of the files beside how they are written."""

    @property
    def doubts(self) -> list[Doubt]:
        """What was guessed of the files; complete once the last batch has been taken."""
        return [*self.guesses(), *self.told]

    def batches(self) -> Iterator[Batch]:
        """Yields all rows from the beginning, one batch being read ahead; may be called again.

        Raises UserError for what can't be read, and Retriable for a file that changes meanwhile."""
        return _ahead(self.read())


def open_files(files: list[Path], root: Path, source: Source, ignore: Sequence[str] = ()) -> Reading:
    """Returns the table of ``files``, which are read in their order; columns are matched by name, in the first file's
    order. ``root`` is what names in messages are relative to. Columns to ``ignore`` may hold what no column of a table
    can; in formats with types they are all null.

    Raises UserError for what can't be read as a table, and Retriable for a file that changes meanwhile."""
    csv = source.csv or CSV()
    missing = MISSING if csv.missing is None else tuple(dict.fromkeys(["", *csv.missing]))
    names = [str(file.relative_to(root)).encode(errors="replace").decode() for file in files]
    kinds = [kind_of(file, source.format) for file in files]
    for name, kind in zip(names, kinds, strict=True):
        if kind != kinds[0]:
            message = (
                f"{names[0]!r} is {kinds[0]}, {name!r} is {kind}; give all files one format, or choose one by "
                "spec.source.format"
            )
            raise UserError("FormatsDiffer", message, "spec.source")
    text = kinds[0] == "CSV"
    if source.csv is not None and not text:
        message = f"{names[0]!r} is {kinds[0]}, of which csv says nothing; leave it out"
        raise UserError("FormatsDiffer", message, "spec.source.csv")
    opened: list[File] = []
    for file, name in zip(files, names, strict=True):
        opened.append(_open(file, name, kinds[0], csv, missing, frozenset(ignore)))
        _check_columns(opened[0], opened[-1])
    style, doubts = _numbers(opened, csv) if text else (NumberStyle(), [])
    schema, watch = None if text else _unified(opened), Watch(style, doubts)
    size = sum(file.mark.size for file in opened if file.mark)

    def read() -> Iterator[Batch]:
        before = 0
        for file in opened:
            for rows, first, done in file.rows():
                rows = rows.select(opened[0].names)
                watch.look(rows)
                yield Batch(rows if schema is None else rows.cast(schema), file.name, first, before + done)
            before += file.mark.size if file.mark else 0

    def guesses() -> list[Doubt]:
        left = [doubt for doubt in doubts if doubt.column not in watch.decided]
        return _merged([*(doubt for file in opened for doubt in file.doubts), *left])

    return Reading(opened[0].names, text, style, missing if text else ("",), size, read, guesses)


def _open(file: Path, name: str, kind: str, csv: CSV, missing: tuple[str, ...], ignored: frozenset[str]) -> File:
    if kind == "CSV":
        return CSVFile(file, name, csv, missing)
    return ParquetFile(file, name, ignored) if kind == "Parquet" else JSONFile(file, name, ignored)


def _check_columns(first: File, other: File) -> None:
    own, others = set(first.names), set(other.names)
    for with_it, without, names in ((first, other, own - others), (other, first, others - own)):
        if names:
            column = next(name for name in with_it.names if name in names)
            message = (
                f"{with_it.name!r} has the column {column!r}, {without.name!r} has not: its columns are "
                f"{', '.join(without.names)[:300]}; give all files the same columns"
            )
            raise UserError("ColumnsDiffer", message, "spec.source")


def _numbers(files: list[File], csv: CSV) -> tuple[NumberStyle, list[Doubt]]:
    """Returns how numbers are written in all files together."""
    layouts = [file.layout for file in files if isinstance(file, CSVFile)]
    whole = Evidence()
    for layout in layouts:
        whole.add(layout.evidence)
    return whole.style(csv, layouts[0].delimiter)


def _unified(files: list[File]) -> pa.Schema:
    """Returns the types that hold the values of all files. Raises UserError for a column that has no such type."""
    schema = files[0].schema
    for file in files[1:]:
        try:
            schema = pa.unify_schemas([schema, file.schema], promote_options="permissive")
        except pa.ArrowException:
            own = file.schema
            column = next(name for name in schema.names if _clash(schema.field(name), own.field(name)))
            message = (
                f"the column {column!r} is {own.field(column).type} in {file.name!r}, {schema.field(column).type} in "
                f"{files[0].name!r}; write it alike in all files"
            )
            raise UserError("ColumnsDiffer", message, "spec.source") from None
    return schema


def _clash(one: pa.Field, other: pa.Field) -> bool:
    try:
        pa.unify_schemas([pa.schema([one]), pa.schema([other])], promote_options="permissive")
    except pa.ArrowException:
        return True
    return False


def _merged(doubts: list[Doubt]) -> list[Doubt]:
    """Returns one doubt for each reason and column: the first, which says in how many files it is."""
    same: dict[tuple[str, str | None], list[Doubt]] = {}
    for doubt in doubts:
        same.setdefault((doubt.reason, doubt.column), []).append(doubt)
    merged = []
    for first, *others in same.values():
        if others:
            counts = [doubt.count for doubt in (first, *others)]
            count = sum(filter(None, counts)) if any(counts) else None
            message = f"{first.message} (and so in {len(others)} more files)"
            first = first.model_copy(update={"message": message, "count": count})
        merged.append(first)
    return merged


def _ahead(items: Iterator[Batch]) -> Iterator[Batch]:
    """Yields the items, each next one being made meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
