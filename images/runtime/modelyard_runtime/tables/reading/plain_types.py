"""Turns what Arrow's types can hold into the few that a column of a table may have, or refuses it by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from modelyard_runtime.pod.errors import UserError

Turn = Callable[[Any], Any]
"""Turns an array of a file's type into one of the type that is handed on."""


def plain(kind: pa.DataType, column: str, file: str) -> tuple[pa.DataType, Turn]:
    """Returns the type that values of ``kind`` are handed on in, and how they are turned into it.

    Numbers, booleans, dates and instants keep their types. Decimals become doubles by way of text, so that they are the
    same doubles as those of the same digits in CSV. Raises UserError for what is no value of a table."""
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        value = kind.value_type
        to, turn = plain(value, column, file)
        return to, lambda values: turn(values.cast(value))
    if isinstance(kind, pa.Bool8Type):
        return pa.bool_(), lambda values: values.storage.cast(pa.bool_())
    if isinstance(kind, pa.UuidType):
        return pa.string(), lambda values: _uuids(values.storage)
    if isinstance(kind, pa.BaseExtensionType):
        to, turn = plain(kind.storage_type, column, file)
        return to, lambda values: turn(values.storage)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string(), lambda values: values.cast(pa.string())
    if types.is_decimal(kind):
        return pa.float64(), lambda values: values.cast(pa.string()).cast(pa.float64())
    if types.is_float16(kind):
        return pa.float64(), lambda values: values.cast(pa.float32()).cast(pa.float64())
    if types.is_time(kind):
        return pa.string(), _times
    if types.is_duration(kind):
        return pa.float64(), lambda values: _seconds(values, kind.unit)
    if types.is_fixed_size_binary(kind) and kind.byte_width == UUID_BYTES:
        return pa.string(), _uuids
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind):
        return kind, _same
    if types.is_timestamp(kind) or types.is_date(kind):
        return kind, _same
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        remedy = "write it as text if it is text"
    elif types.is_nested(kind):
        remedy = "write its parts as columns of their own"
    else:
        remedy = "write it as numbers or text"
    message = f"column {column!r} of {file!r} holds {kind}; {remedy}, or name it in spec.ignore"
    raise UserError("ColumnType", message, "spec.source")


UUID_BYTES = 16


def _same(values: Any) -> Any:
    return values


def _times(values: Any) -> Any:
    """Returns times of day as ISO 8601 writes them, without zeros at the end of fractions."""
    return pc.replace_substring_regex(values.cast(pa.string()), r"\.?0+$|(\.\d*[1-9])0+$", r"\1")


def _seconds(values: Any, unit: str) -> Any:
    parts = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    return pc.divide(values.cast(pa.int64()).cast(pa.float64()), parts)


def _uuids(values: Any) -> pa.Array:
    """Returns the text form of 16 bytes a value."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    texts = [None if value is None else str(UUID(bytes=value)) for value in array.to_pylist()]
    return pa.array(texts, pa.string())
