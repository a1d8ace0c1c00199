"""Tensors as bytes: little-endian numbers without gaps; a text is its length in four bytes, then its UTF-8. Pure."""

from __future__ import annotations

from math import prod
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_server.manifest import TEXT
from modelyard_server.tensors import NUMBERS, BadRequest, check_shape, shown

DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype("u1" if name == "BOOL" else f"<{name[0].lower()}{int(name.lstrip('UINTFP')) // 8}")
    for name in NUMBERS
}
"""Of the numbers' datatypes, as they lie in the bytes."""
_LENGTH = Struct("<I")


def decode(name: str, datatype: Any, shape: Any, data: memoryview | bytes) -> NDArray[Any] | list[str]:
    """The elements of an input: an array of numbers, or a list of texts. Raises BadRequest unless the bytes are
    exactly those of the shape."""
    count = prod(check_shape(name, shape))
    if datatype == TEXT:
        return _texts(name, data, count, shape)
    dtype = DTYPES.get(datatype) if type(datatype) is str else None
    if dtype is None:
        raise BadRequest(f"input {name!r}: datatype {shown(datatype)}: it is {TEXT}, {', '.join(NUMBERS)}")
    if len(data) != count * dtype.itemsize:
        wanted = f"{datatype} of shape {shown(shape)} takes {count * dtype.itemsize} bytes"
        raise BadRequest(f"input {name!r} has {len(data)} bytes: {wanted}")
    found = np.frombuffer(data, dtype)
    return found != 0 if datatype == "BOOL" else found


def _texts(name: str, data: memoryview | bytes, count: int, shape: Any) -> list[str]:
    found: list[str] = []
    place, end = 0, len(data)
    while place < end and len(found) < count:
        start = place + _LENGTH.size
        place = start + _LENGTH.unpack_from(data, place)[0] if start <= end else start
        if place > end:
            raise BadRequest(f"input {name!r}: element {len(found)} ends after the last of its {end} bytes")
        found.append(text(name, len(found), bytes(data[start:place])))
    if place != end or len(found) != count:
        more = f"and {end - place} bytes more" if place < end else "elements"
        raise BadRequest(f"input {name!r} has {len(found)} {more}: shape {shown(shape)} wants {count} elements")
    return found


def text(name: str, index: int, data: bytes) -> str:
    """One text. Raises BadRequest unless it is UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"input {name!r}: element {index} is not UTF-8: {error.reason}") from None


def encode(datatype: str, array: NDArray[Any]) -> bytes:
    """The bytes of an output."""
    if datatype != TEXT:
        return array.astype(DTYPES[datatype], copy=False).tobytes()
    parts: list[bytes] = []
    for value in array.ravel().tolist():
        data = str(value).encode()
        parts += (_LENGTH.pack(len(data)), data)
    return b"".join(parts)
