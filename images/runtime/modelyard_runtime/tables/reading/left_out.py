"""Rows and columns of a CSV file that hold no data: repeated headers, rows without any value, a column that counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def repeated(rows: pa.RecordBatch, header: Sequence[str]) -> np.ndarray | None:
    """Returns a mask of the rows that repeat the header; None if there are none, or if there is one column alone, in
    which a value may be the column's name."""
    if len(header) < 2:
        return None
    first = pc.or_(pc.equal(rows.column(0), header[0]), pc.equal(rows.column(0), f"\ufeff{header[0]}"))
    return _all(rows, first, lambda index, values: pc.equal(values, header[index]))


def empty(rows: pa.RecordBatch) -> np.ndarray | None:
    """Returns a mask of the rows that are all delimiters; None if there are none, or if there is one column alone."""
    if rows.num_columns < 2:
        return None
    return _all(rows, pc.equal(rows.column(0), ""), lambda _, values: pc.equal(values, ""))


def _all(rows: pa.RecordBatch, mask: pa.Array, test: Callable[[int, pa.Array], pa.Array]) -> np.ndarray | None:
    """Returns a mask of the rows for which ``mask`` and the test of every other column hold; None if there are none."""
    for index in range(1, rows.num_columns):
        if not pc.any(mask).as_py():
            return None
        mask = pc.and_(mask, test(index, rows.column(index)))
    return mask.to_numpy(zero_copy_only=False) if pc.any(mask).as_py() else None


def counts_by_one(values: Sequence[str]) -> bool:
    """Returns whether these values count rows from 0 or 1 on without gaps."""
    first = values[0].strip() if values else ""
    return first in ("0", "1") and all(value.strip() == str(int(first) + at) for at, value in enumerate(values))


def counts(values: Sequence[str]) -> bool:
    """Returns whether these values of a column count rows."""
    return bool(values) and Counting().first_other(pa.array(values, pa.string())) is None


class Counting:
    """Whether a column without a name counts the rows: whole numbers, each greater than the one before."""

    def __init__(self) -> None:
        self._last = -1

    def first_other(self, values: pa.Array) -> int | None:
        """Returns the index of the first value that does not count; None if all do."""
        texts = pc.utf8_trim_whitespace(values)
        is_whole = pc.match_substring_regex(texts, r"^[0-9]{1,18}$").to_numpy(zero_copy_only=False)
        if not is_whole.all():
            return int(np.argmin(is_whole))
        numbers = np.concatenate([[self._last], texts.cast(pa.int64()).to_numpy()])
        rises = np.diff(numbers) > 0
        if not rises.all():
            return int(np.argmin(rises))
        self._last = int(numbers[-1])
        return None
