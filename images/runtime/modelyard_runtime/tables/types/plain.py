"""Brings what typed files hold to the few Arrow types that columns are made of."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.types.numbers import without_nan
from modelyard_runtime.tables.types.texts import Cleaner

NONE_MISSING = Cleaner(("",))


def plain(column: pa.Array, name: str) -> pa.Array:
    """Returns the column as int64, float64, bool, timestamp, or cleaned string. Raises UserError for what is neither.

    NaN becomes null. What has no exact form among them, such as a time of day, becomes text.
    """
    column = _unwrapped(column)
    kind = column.type
    if pa.types.is_nested(kind) or _is_binary(kind):
        message = f"column {name!r} holds {kind}; it must hold numbers, booleans, times or text"
        raise UserError("ColumnType", message, "spec.source")
    if pa.types.is_null(kind):
        return column.cast(pa.float64())
    if pa.types.is_boolean(kind):
        return column
    if pa.types.is_integer(kind):
        return _integers(column)
    if pa.types.is_floating(kind):
        return without_nan(column.cast(pa.float64()))
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(kind):
        return pc.cast(column, pa.timestamp("us", kind.tz), safe=False)
    if pa.types.is_decimal(kind):
        return column.cast(pa.string()).cast(pa.float64())  # by way of text: else the last bit may be wrong
    return NONE_MISSING.clean(column.cast(pa.string()))


def _unwrapped(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if isinstance(column, pa.ExtensionArray):
        is_boolean = column.type.extension_name == "arrow.bool8"
        column = column.storage
        return pc.not_equal(column, 0) if is_boolean else column
    return column


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _integers(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.float64(), safe=False)  # beyond 64 bits with a sign
