"""The values of a column in the sample: numbers with NaN for missing, or codes of texts with -1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MICROSECONDS = 1e6


class Texts(NamedTuple):
    codes: NDArray[np.int64]
    words: Sequence[str]


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Returns numbers, booleans as 0 and 1, and times as seconds since 1970 UTC; NaN is missing."""
    if pa.types.is_timestamp(column.type):
        micros = pc.cast(pc.cast(column, pa.timestamp("us", column.type.tz), safe=False), pa.int64())
        return numbers(micros) / MICROSECONDS
    values = pc.cast(column, pa.float64(), safe=False)
    return pc.fill_null(values, np.nan).to_numpy()


def texts(column: pa.ChunkedArray) -> Texts:
    """Returns codes in the order in which the texts appear; "" is missing too."""
    as_text = column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    present = pc.if_else(pc.equal(as_text, ""), pa.scalar(None, pa.string()), as_text)
    encoded = pc.dictionary_encode(present).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string()).dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Texts(codes, encoded.dictionary.to_pylist())


def is_number(column: pa.ChunkedArray) -> bool:
    kind = column.type
    return bool(
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_timestamp(kind)
    )


def ranked(codes: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Returns the groups of codes: the ``most`` most frequent by rank, all others as one, and missing as the last."""
    if not (codes >= 0).any():
        return np.full(len(codes), most + 1)
    sizes = np.bincount(codes[codes >= 0])
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty(len(sizes), np.int64)
    rank[order] = np.arange(len(sizes))
    groups = np.minimum(rank[np.maximum(codes, 0)], most)
    return np.where(codes < 0, most + 1, groups)
