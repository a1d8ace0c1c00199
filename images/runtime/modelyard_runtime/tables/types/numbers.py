"""Reads numbers that are written as texts, whole columns at a time."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_runtime.tables.reading.batch import NumberStyle
from modelyard_runtime.tables.reading.numbers import APOSTROPHES, SPACES
from modelyard_runtime.tables.types.texts import buffers

MINUS = "\u2212"
"""The minus of typography, which counts as a hyphen."""
WHOLE = r"[+-]?(0|[1-9][0-9]*)"
NUMBER = r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
SPECIAL = r"[+-]?(?i:nan|inf|infinity)"
_LENIENT = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_IS_WHOLE, _IS_WHOLE_LENIENT = rf"^{WHOLE}(\.0*)?$", r"^[+-]?[0-9]+(\.0*)?$"
_IS_NUMBER, _IS_LENIENT = rf"^({NUMBER}|{SPECIAL})$", rf"^({_LENIENT}|{SPECIAL})$"
_EXACT = 2.0**53
_HEAD = 256
"""So many values are looked at first: they tell it of most columns."""
_SAME = (SPACES, APOSTROPHES)
"""Marks between thousands that stand for one another."""
_PLAIN = NumberStyle()


class Read(NamedTuple):
    """``values`` are null where there is none; ``other`` says which present texts are none, None that all are."""

    values: pa.Array
    other: pa.Array | None


def at_once(column: pa.Array, type_: pa.DataType) -> pa.Array | None:
    """Reads a column that holds nothing but numbers in their usual form, NaN for a missing double; else None."""
    try:
        values = pc.cast(column, type_)
    except pa.ArrowInvalid:
        return None
    if _is_padded(column):
        return None
    if not pa.types.is_floating(type_) or not _has_nan(values):
        return values
    return None if _has_call(column) else without_nan(values)


def integers(column: pa.Array, lenient: bool = False) -> Read:
    """Reads whole numbers of 64 bits. ``3.0`` is one, ``007`` only if ``lenient``: it would lose its zeros."""
    if (values := at_once(column, pa.int64())) is not None:
        return Read(values, None)
    column = _plain(column)
    is_whole = _matches(column, _IS_WHOLE_LENIENT if lenient else _IS_WHOLE)
    digits = pc.replace_substring_regex(_where(is_whole, column), r"^\+|\.0*$", "")
    digits = pc.replace_substring_regex(digits, r"^(-?)0+([0-9])", r"\1\2")
    try:
        return Read(pc.cast(digits, pa.int64()), _others(column, is_whole))
    except pa.ArrowInvalid:
        fits = pa.array([text is not None and _fits(text) for text in digits.to_pylist()])
        is_whole = pc.and_(is_whole, fits)
        return Read(pc.cast(_where(is_whole, digits), pa.int64()), _others(column, is_whole))


def floats(column: pa.Array, lenient: bool = False) -> Read:
    """Reads numbers as doubles; NaN becomes null."""
    if (values := at_once(column, pa.float64())) is not None:
        return Read(values, None)
    column = _plain(column)
    is_number = _matches(column, _IS_LENIENT if lenient else _IS_NUMBER)
    return Read(without_nan(pc.cast(_where(is_number, column), pa.float64())), _others(column, is_number))


def normal(column: pa.Array, style: NumberStyle) -> pa.Array:
    """Returns texts in which numbers of ``style`` are written with a point and without thousands, and null for what is
    no number of that style: with a decimal comma ``1.5`` is none."""
    if style == _PLAIN:
        return column
    marks = next((group for group in _SAME if style.thousands and style.thousands in group), style.thousands)
    thousands, decimal = f"[{re.escape(marks)}]", re.escape(style.decimal)
    whole = rf"([0-9]+|[0-9]{{1,3}}({thousands}[0-9]{{3}})+)" if marks else "[0-9]+"
    number = rf"^[+\-{MINUS}]?({whole}({decimal}[0-9]*)?|{decimal}[0-9]+)([eE][+-]?[0-9]+)?$"
    fits = pc.or_(_matches(column, number), _matches(column, f"^{SPECIAL}$"))
    plain = pc.replace_substring_regex(_where(fits, column), thousands, "") if marks else _where(fits, column)
    return plain if style.decimal == "." else pc.replace_substring(plain, style.decimal, ".")


def has_points(column: pa.Array) -> bool:
    """Whether a text has a point."""
    return bool((buffers(column)[1] == ord(".")).any())


def _is_padded(column: pa.Array) -> bool:
    """Whether a text begins with a zero before another digit or an x, after a sign or not."""
    offsets, data = buffers(column)
    start, end = offsets[:-1], offsets[1:]
    is_long = end - start > 1
    if not is_long.all():
        start, end = start[is_long], end[is_long]
    first = data.take(start)
    signed = (first == ord("-")) | (first == ord("+"))
    at = np.flatnonzero(signed | (first == ord("0")))
    start = start[at] + signed[at]
    start = start[end[at] - start > 1]
    first, second = data.take(start), data.take(start + 1)
    digit = (second >= ord("0")) & (second <= ord("9"))
    return bool(((first == ord("0")) & (digit | (second == ord("x")) | (second == ord("X")))).any())


def is_whole(values: pa.Array) -> bool:
    """Returns whether all doubles are whole and so small that each whole number beside them is a double too."""
    numbers = pc.drop_null(values).to_numpy(zero_copy_only=False)
    head = numbers[:_HEAD]
    if not (head == np.floor(head)).all():
        return False
    return bool((np.abs(numbers) < _EXACT).all() and (numbers == np.floor(numbers)).all())


def _fits(digits: str) -> bool:
    return len(digits) <= len(str(-(2**63))) and -(2**63) <= int(digits) < 2**63


def _plain(column: pa.Array) -> pa.Array:
    return pc.replace_substring(column, MINUS, "-")


def _has_call(column: pa.Array) -> bool:
    """Whether a text has a bracket: Arrow reads ``nan(1)``."""
    _, data = buffers(column)
    return bool((data == ord("(")).any())


def _matches(column: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(column, pattern), False)


def _where(mask: pa.Array, column: pa.Array) -> pa.Array:
    return pc.if_else(mask, column, pa.scalar(None, column.type))


def _others(column: pa.Array, mask: pa.Array) -> pa.Array | None:
    others = pc.and_(pc.is_valid(column), pc.invert(mask))
    return others if pc.any(others).as_py() else None


def _has_nan(values: pa.Array) -> bool:
    if not len(values):
        return False
    _, data = values.buffers()
    numbers = np.frombuffer(data, np.float64)[values.offset : values.offset + len(values)]
    if not np.isnan(numbers).any():
        return False
    return pc.any(pc.is_nan(values)).as_py() or False  # what stands under a null may be NaN, too


def without_nan(values: pa.Array) -> pa.Array:
    """Returns doubles in which NaN is null."""
    return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values) if _has_nan(values) else values
