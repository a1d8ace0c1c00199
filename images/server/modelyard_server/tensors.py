"""The ``data`` of a V2 tensor to NumPy arrays: strict about types and lengths, kind to what is missing.

Missing is null for a number (it becomes NaN), null or "" for a text (it becomes ""), as models were trained.
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
"""The datatypes a number may come in: the JSON types of its values, and their name."""
LIMITS: dict[str, tuple[int, int]] = {
    name: (int(np.iinfo(name.lower()).min), int(np.iinfo(name.lower()).max)) for name in NUMBERS if "INT" in name
}
_TEXTS: frozenset[Any] = frozenset({str, _NONE})


class BadRequest(Exception):
    """The request can't be answered. ``status`` is the HTTP code, the message says what is allowed."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Tensor:
    """An input as it came: ``data`` as JSON has it, still to be checked, or an array that was decoded from bytes."""

    datatype: Any
    shape: Any
    data: Any


def shown(value: Any) -> str:
    """A value from the request as JSON, cut to what fits in a message."""
    text = orjson.dumps(value).decode(errors="replace")
    return text if len(text) <= 60 else text[:57] + "..."


def check_shape(name: str, shape: Any) -> list[int]:
    """The shape of one tensor, [rows] or [rows, columns]. Raises BadRequest."""
    if type(shape) is not list or not 1 <= len(shape) <= 2 or not _SIZES.issuperset(map(type, shape)):
        raise BadRequest(f"input {name!r}: shape {shown(shape)} is not [rows] or [rows, columns]")
    if min(shape) < 1:
        raise BadRequest(f"input {name!r}: shape {shown(shape)}: at least one row and one column are needed")
    return shape


def flat(name: str, data: Any, shape: list[int]) -> Values:
    """The elements in row-major order, from flat or nested data. Raises BadRequest when they don't fill the shape."""
    if type(data) is np.ndarray:
        return data  # as many as the shape wants: its bytes were counted
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
    wanted = shape[0] if len(shape) == 1 else shape[0] * shape[1]
    if len(data) != wanted:
        raise BadRequest(f"input {name!r}: data has {len(data)} elements, shape {shown(shape)} wants {wanted}")
    return data


def check_numbers(name: str, datatype: Any, values: Values) -> None:
    """Raises BadRequest unless these are numbers of an accepted datatype, or null."""
    if type(values) is np.ndarray:
        return
    known = NUMBERS.get(datatype) if type(datatype) is str else None
    if known is None:
        raise BadRequest(f"input {name!r}: datatype {shown(datatype)}: a number is {', '.join(NUMBERS)}")
    _check_types(name, datatype, values, *known)
    if datatype in LIMITS:
        low, high = LIMITS[datatype]
        for index, value in enumerate(values):
            if value is not None and not low <= value <= high:
                raise BadRequest(f"input {name!r}: element {index} is {value}: {datatype} holds {low} to {high}")


def check_texts(name: str, datatype: Any, values: Values) -> None:
    """Raises BadRequest unless these are texts, or null."""
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
    """Checked columns of one length as float32 [columns, values]; null is NaN. Raises BadRequest for what is too
    large. All at once: an array a column would cost a wide table more than its prediction."""
    values = list(columns.values())
    packed = _packed(values)
    if packed is not None:
        return packed
    array = np.array(values, dtype=np.float32)
    if np.count_nonzero(np.isinf(array)):
        place, index = (int(where[0]) for where in np.isinf(array).nonzero())
        name = list(columns)[place]
        raise BadRequest(f"input {name!r}: element {index}, {_number(columns[name][index])}, is too large for {NUMBER}")
    return array


def _packed(columns: list[Values]) -> NDArray[np.float32] | None:
    """None where there is a null, or a value that is too large or infinite. On lists of numbers half again as quick as
    NumPy's own conversion."""
    if not all(type(column) is list for column in columns):
        return None
    values = columns[0] if len(columns) == 1 else list(chain.from_iterable(columns))
    try:
        packed = struct.pack(f"<{len(values)}f", *values)
    except (struct.error, OverflowError):
        return None
    # No sum of numbers that fit in 32 bits is too large for a double.
    return np.frombuffer(packed, dtype="<f4").reshape(len(columns), -1) if isfinite(sum(values)) else None


def _number(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    return shown(plain) if isfinite(plain) else str(plain)


def texts(values: list[Any]) -> NDArray[np.object_]:
    """Checked texts as an object array [values]; null is ""."""
    if None in values:
        values = ["" if value is None else value for value in values]
    return np.array(values, dtype=object)
