"""Reads CSV and Parquet into Arrow tables, with errors that name the file."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from modelyard_runtime.pod.errors import UserError

EXTENSIONS = {".csv": "CSV", ".parquet": "Parquet", ".pq": "Parquet"}
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A"]
LONGEST_NAME = 128
PATH = "spec.source.volume.path"


def read_source(root: Path, path: str, format_: str | None) -> tuple[pa.Table, bool]:
    """Reads one file, or concatenates the files of a folder in order of their names; columns are in the first's order.

    Also returns whether text may be numbers: the columns of CSV come as strings, those of Parquet have types.
    Raises UserError for files that are missing, unreadable, outside of ``root``, or have different columns.
    """
    files = _files(root, path, format_)
    kinds = [_kind(file, format_) for file in files]
    tables = [_read(file, kind) for file, kind in zip(files, kinds, strict=True)]
    names = tables[0].column_names
    for file, table in zip(files, tables, strict=True):
        if set(table.column_names) != set(names):
            message = (
                f"{file.name} has the columns {table.column_names}, {files[0].name} has {names}; give all files the "
                "same columns"
            )
            raise UserError("ColumnsDiffer", message, "spec.source")
    try:
        whole = pa.concat_tables([table.select(names) for table in tables], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        message = f"the files have columns of different types: {str(error).splitlines()[0]}"
        raise UserError("ColumnsDiffer", message, "spec.source") from error
    return whole, "CSV" in kinds


def _files(root: Path, path: str, format_: str | None) -> list[Path]:
    base = root / path
    _check_inside(base, root)
    if base.is_dir():
        endings = [ending for ending, kind in EXTENSIONS.items() if format_ in (None, kind)]
        files = sorted(file for file in base.iterdir() if file.is_file() and not file.name.startswith("."))
        files = [file for file in files if file.suffix.lower() in endings]
        if not files:
            message = (
                f"the folder {path!r} holds no file that ends in {', '.join(endings)}; name another folder, or write "
                "spec.source.format"
            )
            raise UserError("SourceNotFound", message, PATH)
        for file in files:
            _check_inside(file, root)
        return files
    if base.is_file():
        return [base]
    names = sorted(file.name for file in root.iterdir())[:20] if root.is_dir() else []
    raise UserError("SourceNotFound", f"there is no file {path!r}; there are {', '.join(names) or 'none'}", PATH)


def _check_inside(file: Path, root: Path) -> None:
    """Raises UserError unless ``file`` is in ``root``: a link may lead anywhere in the pod, and messages would quote
    the linked file."""
    try:
        outside = not file.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:  # a link to itself raises either
        raise UserError("SourceNotFound", f"{file.name!r} can't be followed: {type(error).__name__}", PATH) from error
    if outside:
        message = f"{file.name!r} is a link that leads out of the source; copy the file into it"
        raise UserError("SourceOutside", message, PATH)


def _kind(file: Path, format_: str | None) -> str:
    kind = format_ or EXTENSIONS.get(file.suffix.lower())
    if kind is None:
        message = f"the format of {file.name!r} can't be told from its extension; write CSV or Parquet"
        raise UserError("UnknownFormat", message, "spec.source.format")
    return kind


def _read(file: Path, kind: str) -> pa.Table:
    try:
        table = pa.parquet.ParquetFile(file).read() if kind == "Parquet" else _read_csv(file)
    except (pa.ArrowException, UnicodeDecodeError, csv.Error, OSError, StopIteration) as error:
        problem = str(error).splitlines()[0][:200] if str(error) else "it is empty"
        raise UserError("UnreadableFile", f"{file.name!r} can't be read as {kind}: {problem}", "spec.source") from error
    names = [name.strip() for name in table.column_names]
    doubled = sorted({name for name in names if names.count(name) > 1 and name})
    if doubled:
        message = f"{file.name!r} has the column {doubled[0]!r} more than once; rename one of them"
        raise UserError("DuplicateColumn", message, "spec.source")
    if "" in names:
        message = f"{file.name!r} has no name for column {names.index('') + 1} of {len(names)}; give it one"
        raise UserError("UnnamedColumn", message, "spec.source")
    long = [name for name in names if len(name) > LONGEST_NAME]
    if long:
        message = (
            f"{file.name!r} has a column whose name is {len(long[0])} characters long, {long[0][:40]!r}...; "
            f"at most {LONGEST_NAME} are allowed"
        )
        raise UserError("ColumnNameTooLong", message, "spec.source")
    return table.rename_columns(names)


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
