"""Converts the ``data`` of a V2 tensor to NumPy arrays: strict about types and lengths, but missing values are allowed.

A missing number is null and becomes NaN; a missing text is null, "" or a word that counted as missing in training, and
becomes "": models are trained that way.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from modelyard_models.texts import clean
from modelyard_server.manifest import NUMBER, TEXT

Values = list[Any] | NDArray[Any]
_NONE = type(None)
_FLOATS: frozenset[Any] = frozenset({float, int, _NONE})
_INTEGERS: frozenset[Any] = frozenset({int, _NONE})
_SIZES: frozenset[Any] = frozenset({int})
NUMBERS: dict[str, tuple[frozenset[Any], str]] = {
    "FP32": (_FLOATS, "numbers"),
    "FP64": (_FLOATS, "numbers"),
    "INT64": (_INTEGERS, "whole numbers"),
    "INT32": (_INTEGERS, "whole numbers"),
    "BOOL": (frozenset({bool, _NONE}), "true and false"),
    "INT16": (_INTEGERS, "whole numbers"),
    "INT8": (_INTEGERS, "whole numbers"),
    "UINT64": (_INTEGERS, "whole numbers"),
    "UINT32": (_INTEGERS, "whole numbers"),
    "UINT16": (_INTEGERS, "whole numbers"),
    "UINT8": (_INTEGERS, "whole numbers"),
    "FP16": (_FLOATS, "numbers"),
}
"""Datatype of a number -> the Python types its JSON values may have, and the words for them in messages."""
LIMITS: dict[str, tuple[int, int]] = {
    name: (int(np.iinfo(name.lower()).min), int(np.iinfo(name.lower()).max)) for name in NUMBERS if "INT" in name
}
_TEXTS: frozenset[Any] = frozenset({str, _NONE})


class BadRequest(Exception):
    """The request can't be answered. ``status`` is the HTTP code; the message says what is allowed."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Tensor:
    """An input as received: ``data`` is unchecked JSON, or the array (or texts) decoded from bytes."""

    datatype: Any
    shape: Any
    data: Any


def shown(value: Any) -> str:
    """Returns a value of the request as JSON, cut to 60 characters for an error message."""
    text = orjson.dumps(value).decode(errors="replace")
    return text if len(text) <= 60 else text[:57] + "..."


def check_shape(name: str, shape: Any) -> list[int]:
    """Returns the shape of one tensor, [rows] or [rows, columns]. Raises BadRequest."""
    if type(shape) is not list or not 1 <= len(shape) <= 2 or not _SIZES.issuperset(map(type, shape)):
        raise BadRequest(f"input {name!r}: shape {shown(shape)} is not [rows] or [rows, columns]")
    if min(shape) < 1:
        raise BadRequest(f"input {name!r}: shape {shown(shape)}: at least one row and one column are needed")
    return shape


def flat(name: str, data: Any, shape: list[int]) -> Values:
    """Returns flat or nested data as a flat row-major list. Raises BadRequest when it doesn't fill the shape."""
    if type(data) is np.ndarray:
        return data  # the decoder has already checked the byte count against the shape
    if type(data) is not list:
        raise BadRequest(f"input {name!r}: data must be a JSON array, not {shown(data)}")
    if data and type(data[0]) is list:
        if len(shape) == 1:
            raise BadRequest(f"input {name!r}: data is nested, but shape {shown(shape)} has one dimension")
        for index, row in enumerate(data):
            if type(row) is not list or len(row) != shape[1]:
                raise BadRequest(f"input {name!r}: data[{index}] is not an array of {shape[1]} (shape {shown(shape)})")
        if len(data) != shape[0]:
            raise BadRequest(f"input {name!r}: data has {len(data)} rows, shape {shown(shape)} wants {shape[0]}")
        return list(chain.from_iterable(data))
    count = shape[0] if len(shape) == 1 else shape[0] * shape[1]
    if len(data) != count:
        raise BadRequest(f"input {name!r}: data has {len(data)} elements, shape {shown(shape)} wants {count}")
    return data


def check_numbers(name: str, datatype: Any, values: Values) -> None:
    """Raises BadRequest unless the values are null or numbers of an accepted datatype."""
    if type(values) is np.ndarray:
        return
    types_and_words = NUMBERS.get(datatype) if type(datatype) is str else None
    if types_and_words is None:
        raise BadRequest(f"input {name!r}: datatype {shown(datatype)}: a number is {', '.join(NUMBERS)}")
    _check_types(name, datatype, values, *types_and_words)
    if datatype in LIMITS:
        low, high = LIMITS[datatype]
        for index, value in enumerate(values):
            if value is not None and not low <= value <= high:
                raise BadRequest(f"input {name!r}: element {index} is {value}: {datatype} holds {low} to {high}")


def check_texts(name: str, datatype: Any, values: Values) -> None:
    """Raises BadRequest unless the values are texts or null."""
    if datatype != TEXT:
        raise BadRequest(f"input {name!r}: datatype {shown(datatype)}: a text is {TEXT}")
    _check_types(name, TEXT, values, _TEXTS, "texts")


def _check_types(name: str, datatype: str, values: Values, allowed: frozenset[Any], words: str) -> None:
    if allowed.issuperset(map(type, values)):
        return
    index = next(i for i, value in enumerate(values) if type(value) not in allowed)
    raise BadRequest(
        f"input {name!r}: element {index} is {shown(values[index])}: {datatype} holds {words}, and null for missing"
    )


def numbers(columns: dict[str, Values]) -> NDArray[np.float32]:
    """Converts checked columns of equal length to float32 [columns, values]; null becomes NaN.

    Raises BadRequest for a value too large for float32. Converts all columns in one call: for a wide table one array
    per column would cost more than the prediction.
    """
    values = list(columns.values())
    packed = _packed(values)
    if packed is not None:
        return packed
    array = np.array(values, dtype=np.float32)
    if np.count_nonzero(np.isinf(array)):
        column, index = (int(indices[0]) for indices in np.isinf(array).nonzero())
        name = list(columns)[column]
        raise BadRequest(f"input {name!r}: element {index}, {number(columns[name][index])}, is too large for {NUMBER}")
    return array


def _packed(columns: list[Values]) -> NDArray[np.float32] | None:
    """Returns float32 [columns, values], or None if a value is null, too large or infinite.

    For lists of numbers this takes two thirds of the time of NumPy's own conversion.
    """
    if not all(type(column) is list for column in columns):
        return None
    values = columns[0] if len(columns) == 1 else list(chain.from_iterable(columns))
    try:
        packed = struct.pack(f"<{len(values)}f", *values)
    except (struct.error, OverflowError):
        return None
    # The sum is finite if all values are: float32 values can't overflow a double.
    return np.frombuffer(packed, dtype="<f4").reshape(len(columns), -1) if isfinite(sum(values)) else None


def number(value: Any) -> str:
    """Returns a number of the request, which need not be finite, for an error message."""
    plain = value.item() if isinstance(value, np.generic) else value
    return str(plain) if isinstance(plain, float) and not isfinite(plain) else shown(plain)


def doubles(name: str, values: Values) -> NDArray[np.float64]:
    """Converts the checked numbers of one column to float64 [values]; null becomes NaN. Raises BadRequest for a value
    too large for float32, which they become later."""
    array = np.array(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        large = np.isinf(array.astype(np.float32))
    if large.any():
        index = int(large.argmax())
        raise BadRequest(f"input {name!r}: element {index}, {number(values[index])}, is too large for {NUMBER}")
    return array


def texts(values: list[Any], plain: frozenset[str], missing: frozenset[str]) -> NDArray[np.object_]:
    """Converts checked texts to an object array [values], each as ``clean`` returns it; null becomes "".

    ``plain`` are texts that need no cleaning: nearly all of a request, and looking them up takes no time.
    """
    if not plain.issuperset(values):
        cleaned = {value: clean(value, missing) if value else "" for value in set(values)}
        values = [cleaned[value] for value in values]
    return np.array(values, dtype=object)
