"""Tensors as bytes: little-endian numbers without gaps; texts as a four-byte length followed by UTF-8. Pure."""

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
"""Datatype of a number -> the NumPy type of its bytes."""
_LENGTH = Struct("<I")


def decode(name: str, datatype: Any, shape: Any, data: memoryview | bytes) -> NDArray[Any] | list[str]:
    """Returns the elements of an input: an array of numbers, or a list of texts. Raises BadRequest unless the bytes
    fill the shape exactly."""
    count = prod(check_shape(name, shape))
    if datatype == TEXT:
        return _texts(name, data, count, shape)
    dtype = DTYPES.get(datatype) if type(datatype) is str else None
    if dtype is None:
        raise BadRequest(f"input {name!r}: datatype {shown(datatype)}: it is {TEXT}, {', '.join(NUMBERS)}")
    if len(data) != count * dtype.itemsize:
        expected = f"{datatype} of shape {shown(shape)} takes {count * dtype.itemsize} bytes"
        raise BadRequest(f"input {name!r} has {len(data)} bytes: {expected}")
    values = np.frombuffer(data, dtype)
    return values != 0 if datatype == "BOOL" else values


def _texts(name: str, data: memoryview | bytes, count: int, shape: Any) -> list[str]:
    texts: list[str] = []
    offset, end = 0, len(data)
    while offset < end and len(texts) < count:
        start = offset + _LENGTH.size
        offset = start + _LENGTH.unpack_from(data, offset)[0] if start <= end else start
        if offset > end:
            raise BadRequest(f"input {name!r}: element {len(texts)} ends after the last of its {end} bytes")
        texts.append(text(name, len(texts), bytes(data[start:offset])))
    if offset != end or len(texts) != count:
        more = f"and {end - offset} bytes more" if offset < end else "elements"
        raise BadRequest(f"input {name!r} has {len(texts)} {more}: shape {shown(shape)} wants {count} elements")
    return texts


def text(name: str, index: int, data: bytes) -> str:
    """Decodes one text. Raises BadRequest unless it is UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"input {name!r}: element {index} is not UTF-8: {error.reason}") from None


def encode(datatype: str, array: NDArray[Any]) -> bytes:
    """Returns the bytes of an output."""
    if datatype != TEXT:
        return array.astype(DTYPES[datatype], copy=False).tobytes()
    parts: list[bytes] = []
    for value in array.ravel().tolist():
        data = str(value).encode()
        parts += (_LENGTH.pack(len(data)), data)
    return b"".join(parts)
