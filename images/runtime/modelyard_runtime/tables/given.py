"""Rows of a table as a model is asked with them, by the rules of the server's requests.

A missing number is NaN, a missing text "", a missing time NaT.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.signature import Input
from modelyard_models.asked import asked
from modelyard_runtime.tables.types.convert import Converter
from modelyard_runtime.tables.types.kinds import Kind
from modelyard_runtime.tables.types.texts import Cleaner

Bad = dict[int, tuple[str, str]]
"""Position of a row -> the column that the model can't take, and why."""


def given_of(
    rows: pa.Table | pa.RecordBatch, inputs: Iterable[Input], wide: Collection[str], missing: Collection[str]
) -> tuple[dict[str, np.ndarray], Bad]:
    """Returns input name -> array of all rows, and the rows whose values no request could hold.

    Numbers are float32, those of the inputs ``wide`` float64; texts are objects, and instants ``datetime64[us]``.
    ``missing`` are the words that count as missing in texts.
    """
    columns: dict[str, np.ndarray] = {}
    bad: Bad = {}
    cleaner = Cleaner(tuple(missing))
    for item in inputs:
        column = _plain(rows.column(item.name), cleaner)
        if item.type == "Timestamp":
            columns[item.name] = _instants(column, item, bad)
        elif item.datatype == "FP32":
            columns[item.name] = _numbers(column, item, item.name in wide, bad)
        else:
            columns[item.name] = _texts(column, item, bad)
    return columns, bad


def _plain(column: Any, cleaner: Cleaner) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # of no chunk, or of more than two gigabytes of texts
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    return cleaner.clean(array) if pa.types.is_string(array.type) else array


def _numbers(column: pa.Array, item: Input, wide: bool, bad: Bad) -> np.ndarray:
    if pa.types.is_string(column.type):
        column = _read(column, item, bad)
    elif pa.types.is_timestamp(column.type):
        for index in np.flatnonzero(pc.is_valid(column).to_numpy(zero_copy_only=False)):
            bad.setdefault(int(index), (item.name, f"{column[int(index)]} is a time, no number"))
        column = pa.nulls(len(column), pa.float64())
    # By way of float64, as a number in JSON: a large integer would else be rounded once instead of twice.
    numbers = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        single = numbers.astype(np.float32)
    for index in np.flatnonzero(np.isinf(single)):
        bad.setdefault(int(index), (item.name, f"{numbers[index]:g} is too large for single precision"))
    if item.type == "Boolean":
        for index in np.flatnonzero(~np.isin(single, (0, 1)) & ~np.isnan(single)):
            bad.setdefault(int(index), (item.name, f"{numbers[index]:g} is no Boolean, which is true, false, 1 or 0"))
    return numbers if wide else single


def _read(column: pa.Array, item: Input, bad: Bad) -> pa.Array:
    """Returns the numbers that texts are, or the truth of a Boolean's words; null for others."""
    kind = Kind("Boolean" if item.type == "Boolean" else "Float")
    converted = Converter(kind).convert(column)
    word = "Boolean" if item.type == "Boolean" else "number"
    for index in _positions(converted.other):
        bad.setdefault(index, (item.name, f"{_shown(column[index])} is no {word}"))
    return converted.values


def _instants(column: pa.Array, item: Input, bad: Bad) -> np.ndarray:
    converted = Converter(Kind("Timestamp", item.format, item.time_zone)).convert(column)
    instants = np.array(pc.cast(converted.values, pa.timestamp("us")).to_numpy(zero_copy_only=False), dtype="M8[us]")
    for index in _positions(converted.other):
        try:
            instants[index] = np.datetime64(asked(str(column[index].as_py()), item.format, item.time_zone), "us")
        except ValueError as error:
            bad.setdefault(index, (item.name, f"{_shown(column[index])} is no time: {error}"))
    return instants


def _positions(mask: pa.Array | None) -> list[int]:
    return [] if mask is None else np.flatnonzero(mask.to_numpy(zero_copy_only=False)).tolist()


def _texts(column: pa.Array, item: Input, bad: Bad) -> np.ndarray:
    if pa.types.is_boolean(column.type):
        column = pc.if_else(column, "true", "false")
    elif not pa.types.is_string(column.type):
        for index in _positions(pc.is_valid(column)):
            bad.setdefault(index, (item.name, f"{_shown(column[index])} is no text"))
        column = pa.nulls(len(column), pa.string())
    texts: np.ndarray = pc.fill_null(column, "").to_numpy(zero_copy_only=False)
    return texts


def _shown(value: pa.Scalar) -> str:
    # A character that can't be printed is up to ten in the message.
    return f"{str(value.as_py())[:64]!r:.100}"
