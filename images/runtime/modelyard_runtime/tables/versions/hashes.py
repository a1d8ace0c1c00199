"""Hashes values and rows to 64 bits, many at once: by content alone, so that equal rows have equal hashes in any file.

The hashes choose sides and count distinct values. They are not made to withstand somebody who looks for collisions:
what identifies a version is its SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
MISSING = np.uint64(0x9E3779B97F4A7C15)
"""The hash of a missing value."""
_LONG = 64
"""Texts of more bytes are hashed one by one."""
_AT_ONCE = 1 << 20
"""Bytes of texts that are hashed at once, which takes 24 times as many of memory."""
_BASE = 0x100000001B3


def _powers() -> Hashes:
    values, power = [], 1
    for _ in range(_LONG):
        values.append(power)
        power = power * _BASE % (1 << 64)
    return np.array(values, np.uint64)


_POWERS = _powers()


def mixed(bits: Hashes) -> Hashes:
    """Returns a one-to-one scrambling of 64-bit values, the finalizer of SplitMix64 (Steele, Lea, Flood 2014)."""
    bits = bits.copy()
    _mix(bits, np.empty_like(bits))
    return bits


def _mix(bits: Hashes, shifted: Hashes) -> None:
    """Scrambles ``bits`` where they are; ``shifted`` is room for as many."""
    bits += MISSING
    bits ^= np.right_shift(bits, np.uint64(30), out=shifted)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= np.right_shift(bits, np.uint64(27), out=shifted)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= np.right_shift(bits, np.uint64(31), out=shifted)


def of_numbers(column: pa.Array) -> Hashes:
    """Returns the hash of each number, instant or boolean, MISSING for null."""
    hashes = mixed(bits(column))
    if column.null_count:
        hashes[~valid(column)] = MISSING
    return hashes


def of_indices(indices: pa.Array, of_dictionary: Hashes) -> Hashes:
    """Returns the hash of each value of a dictionary-encoded column, MISSING for null."""
    if not indices.null_count:
        return of_dictionary[indices.to_numpy()]
    return np.append(of_dictionary, MISSING)[pc.fill_null(indices, len(of_dictionary)).to_numpy()]


def of_rows(columns: Sequence[tuple[str, Hashes]]) -> Hashes:
    """Returns the hash of each row from those of its columns, one at least, whose order doesn't count."""
    total = np.zeros(len(columns[0][1]), np.uint64)
    bits, shifted = np.empty_like(total), np.empty_like(total)
    for name, hashes in columns:
        np.bitwise_xor(hashes, of_name(name), out=bits)
        _mix(bits, shifted)
        total += bits
    return mixed(total)


@cache
def of_name(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def valid(column: pa.Array) -> NDArray[np.bool_]:
    return column.is_valid().to_numpy(zero_copy_only=False)


def bits(column: pa.Array) -> Hashes:
    """Returns the 64 bits of each number, instant or boolean: 0 for null, and for zero of either sign."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(0).cast(column.type))
    values = column.to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type):
        return (values + 0.0).view(np.uint64)
    return values.astype(np.uint64) if pa.types.is_boolean(column.type) else values.view(np.uint64)


def text_buffers(column: pa.StringArray) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Returns the n + 1 offsets of n texts, from 0 on, and their bytes; a null must have none."""
    _, offsets, data = column.buffers()
    if offsets is None or not len(column):
        return np.zeros(len(column) + 1, np.int32), np.zeros(0, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return ends - ends[0], content[ends[0] : ends[-1]]


def of_texts(column: pa.StringArray) -> Hashes:
    """Returns the hash of each text: a polynomial of its bytes, or BLAKE2b of a long one."""
    offsets, data = text_buffers(column)
    lengths = np.diff(offsets)
    hashes = np.empty(len(column), np.uint64)
    short = lengths <= _LONG
    for index in np.flatnonzero(~short):
        content = data[offsets[index] : offsets[index + 1]].tobytes()
        hashes[index] = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
    if not short.all():
        data = data[np.repeat(short, lengths)]
    lengths = lengths[short]
    ends = np.cumsum(lengths, dtype=np.int64)
    parts, start = [], 0
    while start < len(lengths):
        first = int(ends[start] - lengths[start])
        stop = max(int(np.searchsorted(ends, first + _AT_ONCE)), start + 1)
        parts.append(_polynomials(data[first : ends[stop - 1]], lengths[start:stop]))
        start = stop
    hashes[short] = np.concatenate(parts) if parts else 0
    return hashes


def _polynomials(data: NDArray[np.uint8], lengths: NDArray[Any]) -> Hashes:
    ends = np.cumsum(lengths)
    within = np.arange(len(data)) - np.repeat(ends - lengths, lengths)
    sums = np.zeros(len(data) + 1, np.uint64)
    np.cumsum((data.astype(np.uint64) + np.uint64(1)) * _POWERS[within], out=sums[1:])
    return mixed((sums[ends] - sums[ends - lengths]) ^ lengths.astype(np.uint64))
