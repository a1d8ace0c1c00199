"""Reads the Booleans and Timestamps of a request: what a file may say of them a request may say too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_models.asked import asked, expected
from modelyard_models.booleans import boolean
from modelyard_models.instants import EPOCHS
from modelyard_models.texts import clean
from modelyard_server.manifest import TEXT, Column, Manifest
from modelyard_server.tensors import NUMBERS, BadRequest, Values, check_numbers, check_texts, number, shown

_TYPES, _TRUTHS = frozenset({bool, int, float, type(None)}), frozenset({0, 1, None})
_BOOLEAN = "a Boolean is true, false, 1 or 0, as BOOL or FP32, or a word such as yes or no, as BYTES"


def check(column: Column, datatype: Any, values: Values, manifest: Manifest) -> Values:
    """Returns the values of any column as they are converted later. Raises BadRequest unless they are null, or of an
    accepted datatype and what the column holds."""
    match column.kind:
        case "Boolean":
            return booleans(column.name, datatype, values, manifest)
        case "Timestamp":
            return instants(column, datatype, values, manifest)
        case "BYTES":
            check_texts(column.name, datatype, values)
        case _:
            check_numbers(column.name, datatype, values)
    return values


def booleans(name: str, datatype: Any, values: Values, manifest: Manifest) -> Values:
    """Returns numbers or booleans, null for a missing one. Raises BadRequest for what is none."""
    if datatype == TEXT:
        check_texts(name, datatype, values)
        texts: list[str] = ["" if value is None else clean(value, manifest.missing) for value in values]
        truths = [boolean(text) for text in texts]
        index = next((i for i, text in enumerate(texts) if text and truths[i] is None), None)
        if index is None:
            return truths
    elif type(datatype) is not str or datatype not in NUMBERS:
        raise BadRequest(f"input {name!r}: datatype {shown(datatype)}: {_BOOLEAN}")
    elif type(values) is np.ndarray:
        are_truths = (values == 0) | (values == 1) | (values != values)
        if are_truths.all():
            return values
        index = int(np.argmin(are_truths))
    else:
        if _TYPES.issuperset(map(type, values)) and _TRUTHS.issuperset(values):
            return values
        index = next(i for i, value in enumerate(values) if type(value) not in _TYPES or value not in _TRUTHS)
    raise BadRequest(f"input {name!r}: element {index} is {number(values[index])}: {_BOOLEAN}, and null for missing")


def instants(column: Column, datatype: Any, values: Values, manifest: Manifest) -> NDArray[np.datetime64]:
    """Returns ``datetime64[us]`` [values], NaT for a missing one. Raises BadRequest for a text that is no time."""
    name = column.name
    if datatype == TEXT:
        check_texts(name, datatype, values)
        texts: Sequence[str | None] = values  # type: ignore[assignment]
    elif column.format in EPOCHS and datatype in NUMBERS:
        check_numbers(name, datatype, values)
        texts = list(map(_written, values.tolist() if type(values) is np.ndarray else values))
    else:
        what = f"a Timestamp is {expected(column.format)}, as {TEXT}"
        raise BadRequest(f"input {name!r}: datatype {shown(datatype)}: {what}")
    times = np.full(len(texts), "NaT", dtype="M8[us]")
    numbers = times.view(np.int64)
    for index, value in enumerate(texts):
        if value and (text := clean(value, manifest.missing)):
            try:
                numbers[index] = asked(text, column.format, column.time_zone)
            except ValueError as error:
                given = f"input {name!r}: element {index} is {shown(value)}"
                raise BadRequest(f"{given}: {error}, and null for missing") from None
    return times


def _written(value: float | None) -> str | None:
    """Returns a number since 1970 as a text."""
    if value is None or value != value:
        return None
    return str(int(value)) if int(value) == value else repr(value)
