"""Writes a profile: sketches of rows as a model server would keep them, for a monitor to compare its own with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_api.wire.sketches import Column, Sketches, write
from modelyard_models.live import Numbers, Output, Texts, sketches_of

MOST_BYTES = 15 * 256 * 1024
"""Most bytes of a profile, of 1000 columns of numbers at least: an operator reads documents of up to four MiB."""
CHUNK = 65536
"""Rows that are folded at once."""


def of_numbers(name: str, values: NDArray[Any]) -> Column:
    """Returns the sketches of an input of numbers, in which NaN is missing."""
    sketches = Numbers([name], "Input")
    for chunk in _chunks(values):
        with np.errstate(over="ignore"):  # what single precision can't hold is refused elsewhere
            sketches.fold(chunk.astype(np.float32))
    return next(sketches.freeze())


def of_texts(name: str, values: NDArray[Any]) -> Column:
    """Returns the sketches of an input of texts, in which "" is missing."""
    sketches = Texts(name, "Input", None)
    for chunk in _chunks(values):
        sketches.fold(chunk)
    return next(sketches.freeze())


def of_answers(outputs: Sequence[Output], classes: Sequence[str], answers: Mapping[str, NDArray[Any]]) -> list[Column]:
    """Returns the sketches of a model's answers, by the name of the output."""
    sketches = sketches_of(outputs, classes)
    for name, values in answers.items():
        for chunk in _chunks(values):
            sketches[name].fold(chunk)
    return [column for group in sketches.values() for column in group.freeze()]


def document(digest: str, rows: int, columns: Iterable[Column]) -> tuple[bytes, list[str]]:
    """Returns the profile of what has this digest, and the names of columns that found no place in it.

    Those have many different texts. A profile counts no distinct values: its bytes are for the distributions.
    """
    kept: list[Column] = []
    left_out, size = [], 400
    for column in (replace(column, distinct=None) for column in columns):
        # Base64 takes four bytes for three; the rest is names and counts.
        sketches = len(column.quantiles or b"") + len(column.frequent or b"")
        needs = 4 * sketches // 3 + len(json.dumps(column.name)) + 120
        if size + needs > MOST_BYTES:
            left_out.append(column.name)
            continue
        kept.append(column)
        size += needs
    return write(Sketches("", "", digest, 0.0, 0.0, rows, tuple(kept))), left_out


def _chunks(values: NDArray[Any]) -> Iterable[NDArray[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
