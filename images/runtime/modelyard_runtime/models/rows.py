"""Rows of a table as the inputs of a model, by the rules of the server's requests; what they refuse is told by row.

A number becomes float32 and a missing one NaN; a missing text becomes "".
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.signature import Input
from modelyard_runtime.tables.text_numbers import numbers_among

Bad = dict[int, tuple[str, str]]
"""Position of a row -> the column that the model can't take, and why."""


def prepare(batch: pa.RecordBatch, inputs: Iterable[Input]) -> tuple[dict[str, np.ndarray], Bad]:
    """Returns input name -> array of all rows, and the rows whose values no request could hold."""
    columns: dict[str, np.ndarray] = {}
    bad: Bad = {}
    for item in inputs:
        column = batch.column(item.name)
        if item.datatype == "FP32":
            columns[item.name] = _numbers(column, item.name, bad)
        else:
            columns[item.name] = _texts(column)
    return columns, bad


def _numbers(column: pa.Array, name: str, bad: Bad) -> np.ndarray:
    if pa.types.is_string(column.type):
        values, others = numbers_among(column)
        for index in np.flatnonzero(others.to_numpy(zero_copy_only=False)):
            # A character that can't be printed is up to ten in the message.
            bad.setdefault(int(index), (name, f"{column[int(index)].as_py()[:64]!r:.100} is no number"))
    else:
        values = column
    # By way of float64, as a number in JSON: a large integer would else be rounded once instead of twice.
    wide = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        numbers = wide.astype(np.float32)
    for index in np.flatnonzero(np.isinf(numbers)):
        bad.setdefault(int(index), (name, f"{wide[index]:g} is too large for single precision"))
    return numbers


def _texts(column: pa.Array) -> np.ndarray:
    if not pa.types.is_string(column.type):
        return np.full(len(column), "", dtype=object)  # a column without any value
    texts: np.ndarray = pc.fill_null(column, "").to_numpy(zero_copy_only=False)
    return texts
