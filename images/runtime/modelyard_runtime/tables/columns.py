"""Gives every column one of four types: Float, Integer, Boolean, Category."""

from __future__ import annotations

import math

import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.columns import ColumnRule
from modelyard_api.kinds.datasetversion import VersionColumn
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables import text_numbers as numbers

ARROW = {"Float": pa.float64(), "Integer": pa.int64(), "Boolean": pa.bool_(), "Category": pa.string()}
_TRUE, _FALSE = ["true", "True", "TRUE", "yes", "1"], ["false", "False", "FALSE", "no", "0"]


def typed(table: pa.Table, rules: list[ColumnRule], text: bool) -> tuple[pa.Table, dict[str, str]]:
    """Returns the table with each column in its Arrow type, and the types. Declared types override inferred ones.

    ``text`` means that strings may be numbers or booleans, as in CSV. Otherwise strings are categories, because the
    file's format has types for numbers and booleans. Raises UserError.
    """
    declared = {rule.name: rule.type for rule in rules}
    missing = [name for name in declared if name not in table.column_names]
    if missing:
        message = f"there is no column {missing[0]!r}; there are {', '.join(table.column_names[:40])}"
        raise UserError("ColumnNotFound", message, "spec.columns")
    columns, types = [], {}
    for name in table.column_names:
        column = _plain(table[name].combine_chunks(), name)
        types[name] = declared.get(name) or infer(column, text)
        columns.append(convert(column, types[name], name))
    return pa.table(columns, names=table.column_names), types


def _plain(column: pa.Array, name: str) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        message = f"column {name!r} holds {kind}; it must hold numbers, booleans or text"
        raise UserError("ColumnType", message, "spec.source")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = pc.utf8_trim_whitespace(column.cast(pa.string()))
        return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column
    if pa.types.is_null(kind):
        return column.cast(pa.float64())
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    return column.cast(pa.string())  # dates and times become text


def infer(column: pa.Array, text: bool) -> str:
    """Returns the narrowest type that holds every value; a column without any value is Float."""
    if pa.types.is_boolean(column.type):
        return "Boolean"
    if pa.types.is_integer(column.type):
        return "Integer"
    if pa.types.is_floating(column.type) or column.null_count == len(column):
        return "Float"
    if not text:
        return "Category"
    words = pa.array([*_TRUE[:3], *_FALSE[:3]])
    known = pc.or_(pc.is_in(column, words), pc.is_null(column))
    return numbers.kind_of(column) or ("Boolean" if pc.all(known).as_py() else "Category")


def convert(column: pa.Array, type_: str, name: str) -> pa.Array:
    if type_ == "Category":
        if pa.types.is_boolean(column.type):
            return pc.if_else(column, "true", "false")
        return column.cast(pa.string())
    if type_ == "Boolean" and pa.types.is_string(column.type):
        known = pc.or_(pc.is_in(column, pa.array([*_TRUE, *_FALSE])), pc.is_null(column))
        if not pc.all(known).as_py():
            _refuse(column.filter(pc.invert(known)), type_, name)
        booleans = pc.is_in(column, pa.array(_TRUE))
        return pc.if_else(pc.is_null(column), pa.scalar(None, pa.bool_()), booleans)
    try:
        values = _cast(column, type_)
        return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values) if type_ == "Float" else values
    except pa.ArrowInvalid:
        bad = [value for value in column.to_pylist() if value is not None and not _fits(value, type_)]
        _refuse(bad, type_, name)
        raise AssertionError("unreachable") from None


def _cast(column: pa.Array, type_: str) -> pa.Array:
    if pa.types.is_string(column.type) and type_ in ("Integer", "Float"):
        return numbers.to_integer(column) if type_ == "Integer" else numbers.to_float(column)
    return pc.cast(column, ARROW[type_])


def _fits(value: object, type_: str) -> bool:
    try:
        _cast(pa.array([value]), type_)
        return True
    except pa.ArrowInvalid:
        return False


def _refuse(bad: pa.Array | list[object], type_: str, name: str) -> None:
    shown = ", ".join(repr(value.as_py() if isinstance(value, pa.Scalar) else value) for value in list(bad)[:5])
    message = (
        f"column {name!r} is declared {type_}, but {len(bad)} of its values are not: {shown}; correct them, or declare "
        "another type"
    )
    raise UserError("ColumnType", message, "spec.columns")


def describe(table: pa.Table, types: dict[str, str]) -> list[VersionColumn]:
    """Returns the type, missing values, distinct values and range of each column."""
    columns = []
    for name, type_ in types.items():
        column = table[name]
        distinct = pc.count_distinct(column).as_py()
        described = VersionColumn(name=name, type=type_, missing=column.null_count, distinct=distinct)
        if type_ in ("Float", "Integer") and column.null_count < len(column):
            ends = {key: float(value) for key, value in pc.min_max(column).as_py().items()}
            if all(map(math.isfinite, ends.values())):
                described.min, described.max = ends["min"], ends["max"]
        columns.append(described)
    return columns
