"""Reads dates and times of one fixed width, such as ``31.12.2026 23:59``, whole columns at a time."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from modelyard_runtime.tables.types.texts import buffers

_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_CODE = re.compile(r"%(.)|(.)", re.DOTALL)
_SECOND = 1_000_000


class Fixed:
    """Reads texts that are written in a format of strptime with all digits, if its codes have each a fixed width."""

    def __init__(self, parts: dict[str, int], literals: dict[int, int], width: int) -> None:
        self._parts, self._literals, self._width = parts, literals, width

    @classmethod
    def of(cls, format_: str) -> Fixed | None:
        """Returns the reader of a format, or None if it has other codes, or lacks a part of the date."""
        parts, literals, width = {}, {}, 0
        for match in _CODE.finditer(format_):
            if match[1] is None:
                if not match[2].isascii() or (match[2].isspace() and match[2] != " "):
                    return None
                literals[width] = ord(match[2])
                width += 1
            elif match[1] in _WIDTHS and match[1] not in parts:
                parts[match[1]] = width
                width += _WIDTHS[match[1]]
            else:
                return None
        return cls(parts, literals, width) if {"Y", "m", "d"} <= parts.keys() else None

    def read(self, column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Returns the microseconds since 1970 as if all were UTC, and which texts are so written."""
        offsets, data = buffers(column)
        fits = (np.diff(offsets) == self._width) & column.is_valid().to_numpy(zero_copy_only=False)
        micros = np.zeros(len(column), np.int64)
        if not fits.any():
            return micros, fits
        starts = offsets[:-1][fits]
        right = np.ones(len(starts), dtype=bool)
        for place, byte in self._literals.items():
            right &= data[starts + place] == byte
        numbers = {}
        for code, place in self._parts.items():
            numbers[code] = np.zeros(len(starts), np.int64)
            for index in range(_WIDTHS[code]):
                digit = data[starts + place + index].astype(np.int64) - ord("0")
                right &= (digit >= 0) & (digit <= 9)
                numbers[code] = numbers[code] * 10 + digit
        right &= _in_range(numbers)
        micros[fits] = np.where(right, _micros(numbers), 0)
        fits[fits] = right
        return micros, fits


def _months(numbers: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.asarray((numbers["Y"] - 1970) * 12 + numbers["m"] - 1)


def _in_range(numbers: dict[str, NDArray[np.int64]]) -> NDArray[np.bool_]:
    right = (numbers["Y"] >= 1) & (numbers["m"] >= 1) & (numbers["m"] <= 12) & (numbers["d"] >= 1)
    first = np.where(right, _months(numbers), 0).astype("M8[M]")
    days = ((first + 1).astype("M8[D]") - first.astype("M8[D]")).astype(np.int64)
    right &= numbers["d"] <= days
    for code, most in (("H", 23), ("M", 59), ("S", 59)):
        if code in numbers:
            right &= numbers[code] <= most
    return np.asarray(right)


def _micros(numbers: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    days = _months(numbers).clip(-30_000, 200_000).astype("M8[M]").astype("M8[D]").astype(np.int64) + numbers["d"] - 1
    seconds = days * 86_400
    for code, factor in (("H", 3600), ("M", 60), ("S", 1)):
        seconds = seconds + numbers[code] * factor if code in numbers else seconds
    return np.asarray(seconds * _SECOND)
