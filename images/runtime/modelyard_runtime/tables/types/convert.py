"""Gives whole columns a type; what is not of the type becomes null and is pointed out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_models.booleans import FALSE, TRUE
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.batch import NumberStyle
from modelyard_runtime.tables.types import numbers
from modelyard_runtime.tables.types.instants import Clock
from modelyard_runtime.tables.types.kinds import TEXTS, Kind
from modelyard_runtime.tables.types.plain import plain

_TRUE, _FALSE = pa.array(TRUE), pa.array(FALSE)
_PLAIN = NumberStyle()


class Converted(NamedTuple):
    """``values`` have the type; ``other`` says which present values are not of it, None that all are."""

    values: pa.Array
    other: pa.Array | None = None
    skipped: np.ndarray | None = None
    twice: np.ndarray | None = None
    with_zone: int = 0
    without_zone: int = 0


class Converter:
    """Converts the batches of one column to its type. ``lenient``: the type is known, so ``007`` may be a number, and
    ``yes`` a boolean."""

    def __init__(self, kind: Kind, style: NumberStyle = _PLAIN, lenient: bool = True) -> None:
        self.kind, self._style, self._lenient = kind, style, lenient
        self._clock = Clock(kind) if kind.type == "Timestamp" else None

    def at_once(self, column: pa.Array) -> pa.Array | None:
        """Converts texts as they were written, if they are nothing but plain numbers of the type; else None."""
        if self.kind.type not in ("Float", "Integer") or (self._style.decimal != "." and numbers.has_points(column)):
            return None
        return numbers.at_once(column, self.kind.arrow)

    def convert(self, column: pa.Array) -> Converted:
        """Converts cleaned texts, or the values of a typed file as ``plain`` returns them."""
        if self._clock is not None:
            read = self._clock.read(column)
            return Converted(*read)
        if self.kind.type in TEXTS:
            return Converted(_texts(column))
        if pa.types.is_string(column.type):
            return self._of_texts(column)
        return self._of_values(column)

    def _of_texts(self, column: pa.Array) -> Converted:
        if self.kind.type == "Boolean":
            encoded = column.dictionary_encode()
            words, most = pc.utf8_lower(encoded.dictionary), None if self._lenient else 1
            is_true, is_false = (pc.is_in(words, known[:most]) for known in (_TRUE, _FALSE))
            fits = pc.or_(is_true, is_false)
            return _masked(is_true.take(encoded.indices), fits.take(encoded.indices), column)
        read = numbers.integers if self.kind.type == "Integer" else numbers.floats
        values, other = read(plain_ := numbers.normal(column, self._style), self._lenient)
        if plain_.null_count > column.null_count:
            is_none = pc.and_(pc.is_valid(column), pc.is_null(plain_))
            other = is_none if other is None else pc.or_(is_none, pc.fill_null(other, False))
        return Converted(values, other)

    def _of_values(self, column: pa.Array) -> Converted:
        type_, is_time = self.kind.type, pa.types.is_timestamp(column.type)
        if is_time or (type_ != "Boolean" and pa.types.is_boolean(column.type)):
            column = column.cast(pa.int64())
        if type_ == "Float" and not is_time:
            return Converted(column.cast(pa.float64(), safe=False))
        if type_ == "Boolean" and not is_time:
            if pa.types.is_boolean(column.type):
                return Converted(column)
            is_true = pc.equal(column, 1)
            return _masked(is_true, pc.or_(is_true, pc.equal(column, 0)), column)
        if is_time:
            return _masked(pa.nulls(len(column), self.kind.arrow), pa.array(np.zeros(len(column), bool)), column)
        if pa.types.is_integer(column.type):
            return Converted(column)
        whole = pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), 2.0**63))
        return _masked(pc.cast(pc.if_else(whole, column, None), pa.int64(), safe=False), whole, column)


def of_type(column: pa.Array, kind: Kind, name: str) -> pa.Array:
    """Returns a column as the type that is declared. Raises UserError if one of its values is not of it."""
    converted = Converter(kind).convert(column := plain(column, name))
    if converted.other is not None:
        bad = column.filter(converted.other)
        shown = ", ".join(repr(value) for value in bad[:5].to_pylist())
        message = f"column {name!r} is declared {kind.type}, but {len(bad)} of its values are not: {shown}"
        raise UserError("ColumnType", f"{message}; correct them, or declare another type", "spec.columns")
    return converted.values


def _masked(values: pa.Array, fits: pa.Array, column: pa.Array) -> Converted:
    """Returns the values that fit, null elsewhere."""
    fits = pc.and_(pc.is_valid(column), pc.fill_null(fits, False))
    other = pc.and_(pc.is_valid(column), pc.invert(fits))
    values = pc.if_else(fits, values, pa.scalar(None, values.type))
    return Converted(values, other if pc.any(other).as_py() else None)


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "true", "false")
    if pa.types.is_timestamp(column.type):
        if column.type.tz is None:
            return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
        return pc.strftime(column.cast(pa.timestamp("us", "UTC")), format="%Y-%m-%dT%H:%M:%SZ")
    return column.cast(pa.string())
