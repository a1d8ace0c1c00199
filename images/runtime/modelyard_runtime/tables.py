"""Reads CSV and Parquet into Arrow tables, with errors that name the file."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from modelyard_runtime.errors import UserError

EXTENSIONS = {".csv": "CSV", ".parquet": "Parquet", ".pq": "Parquet"}
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A"]


def read_source(root: Path, path: str, format_: str | None) -> pa.Table:
    """One file, or the files of a folder in the order of their names, below each other.

    CSV columns come as strings. Raises UserError for what is missing, unreadable or doesn't fit together.
    """
    base = root / path
    if base.is_dir():
        files = sorted(file for file in base.iterdir() if file.is_file() and not file.name.startswith("."))
        files = [file for file in files if format_ or file.suffix.lower() in EXTENSIONS]
        if not files:
            message = f"the folder {path!r} holds no file that ends in {', '.join(EXTENSIONS)}"
            raise UserError("SourceNotFound", message, "spec.source.volume.path")
    elif base.is_file():
        files = [base]
    else:
        there = sorted(file.name for file in root.iterdir())[:20] if root.is_dir() else []
        message = f"there is no file {path!r}; there are {', '.join(there) or 'none'}"
        raise UserError("SourceNotFound", message, "spec.source.volume.path")
    tables = [_read(file, format_) for file in files]
    names = tables[0].column_names
    for file, table in zip(files, tables, strict=True):
        if table.column_names != names:
            message = f"{file.name} has the columns {table.column_names}, {files[0].name} has {names}"
            raise UserError("ColumnsDiffer", message, "spec.source")
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowInvalid as error:
        raise UserError("ColumnsDiffer", str(error), "spec.source") from error


def _read(file: Path, format_: str | None) -> pa.Table:
    kind = format_ or EXTENSIONS.get(file.suffix.lower())
    if kind is None:
        message = f"the format of {file.name!r} can't be told from its extension; write CSV or Parquet"
        raise UserError("UnknownFormat", message, "spec.source.format")
    try:
        table = pa.parquet.read_table(file) if kind == "Parquet" else _read_csv(file)
    except (pa.ArrowException, UnicodeDecodeError, csv.Error, OSError, StopIteration) as error:
        problem = str(error).splitlines()[0][:200] if str(error) else "it is empty"
        raise UserError("UnreadableFile", f"{file.name!r} can't be read as {kind}: {problem}", "spec.source") from error
    doubled = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if doubled:
        raise UserError("DuplicateColumn", f"{file.name!r} has the column {doubled[0]!r} more than once", "spec.source")
    if "" in table.column_names:
        raise UserError("UnnamedColumn", f"{file.name!r} has a column without a name", "spec.source")
    return table


def _read_csv(file: Path) -> pa.Table:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        header = next(csv.reader(lines))
    convert = pa.csv.ConvertOptions(
        column_types={name: pa.string() for name in header},
        null_values=MISSING,
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    return pa.csv.read_csv(file, convert_options=convert, parse_options=parse)
