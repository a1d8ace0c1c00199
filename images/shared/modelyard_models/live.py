"""The sketches being filled: ``Numbers`` for a group of columns of numbers, ``Texts`` for one column of texts.

A server fills them with what it is asked and answers, and a Job with the rows that a model is compared with: so the two
can be compared column by column.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import datasketches
import numpy as np
from numpy.typing import NDArray

from modelyard_api.wire.sketches import FREQUENT_LG_SIZE, HLL_LG_K, KLL_K, MAX_TEXT, Column, Role
from modelyard_models.distinct import Distinct


class Numbers:
    """Sketches of columns of numbers that are folded together, as one float32 array."""

    def __init__(self, names: Sequence[str], role: Role) -> None:
        self.names, self.role = tuple(names), role
        self._count = 0
        self._missing = np.zeros(len(self.names), np.int64)
        self._quantiles = [datasketches.kll_floats_sketch(KLL_K) for _ in self.names]
        self._distinct = Distinct(len(self.names))

    def fold(self, rows: NDArray[np.float32]) -> None:
        """Adds values [rows, columns], or [rows] of one column; NaN counts as missing."""
        # Columns contiguous in memory: all that follows is twice as fast.
        values = np.array(rows.T if rows.ndim == 2 else rows[None], order="C")
        values.sort(axis=1)  # puts NaN last; and a sorted column takes half the time to update its sketch
        valid = len(rows) - np.isnan(values).sum(axis=1)
        self._count += len(rows)
        self._missing += len(rows) - valid
        for sketch, column, number in zip(self._quantiles, values, valid.tolist(), strict=True):
            sketch.update(column[:number])
        self._distinct.fold(values)

    def freeze(self) -> Iterator[Column]:
        """Yields the sketches of the columns as they are now."""
        for index, name in enumerate(self.names):
            yield Column(
                name,
                self.role,
                "Number",
                self._count,
                int(self._missing[index]),
                quantiles=bytes(self._quantiles[index].serialize()),
                distinct=self._distinct.freeze(index),
            )


class Texts:
    """Sketches of one column of texts. ``known`` has the texts that the model was trained with, or None if unknown."""

    def __init__(self, name: str, role: Role, known: frozenset[str] | None) -> None:
        self.name, self.role, self.known = name, role, known
        self._count = self._missing = self._unseen = 0
        self._frequent = datasketches.frequent_strings_sketch(FREQUENT_LG_SIZE)
        self._distinct = datasketches.hll_sketch(HLL_LG_K, datasketches.HLL_4)

    def fold(self, values: NDArray[Any]) -> None:
        """Adds values [rows] or [rows, 1] of texts or whole numbers; "" counts as missing."""
        self._count += len(values)
        for value, number in Counter(values.ravel().tolist()).items():
            if value == "":
                self._missing += number
                continue
            text = str(value)
            if self.known is not None and text not in self.known:
                self._unseen += number
            self._frequent.update(text if len(text) <= MAX_TEXT else cut(text), number)
            self._distinct.update(text)

    def freeze(self) -> Iterator[Column]:
        """Yields the sketches of the column as they are now."""
        yield Column(
            self.name,
            self.role,
            "Text",
            self._count,
            self._missing,
            unseen=None if self.known is None else self._unseen,
            frequent=bytes(self._frequent.serialize()),
            distinct=bytes(self._distinct.serialize_compact()),
        )


class Output(Protocol):
    """What is read of an output of a model: of the signature, or of the server's manifest."""

    @property
    def name(self) -> str: ...
    @property
    def datatype(self) -> str: ...
    @property
    def shape(self) -> Sequence[int]: ...


def sketches_of(outputs: Sequence[Output], classes: Sequence[str]) -> dict[str, Numbers | Texts]:
    """Returns empty sketches by the name of the output; a probability of each class is a column of its own."""
    sketches: dict[str, Numbers | Texts] = {}
    for output in outputs:
        if output.datatype != "FP32":
            sketches[output.name] = Texts(output.name, "Output", None)
        else:
            width = output.shape[1] if len(output.shape) == 2 else 1
            sketches[output.name] = Numbers(_names(output.name, width, classes), "Output")
    return sketches


def _names(output: str, width: int, classes: Sequence[str]) -> list[str]:
    if width == 1:
        return [output]
    return [f"{output}[{name}]" for name in (classes if len(classes) == width else range(width))]


def cut(text: str) -> str:
    """Shortens a long text to MAX_TEXT characters that end in its hash, so that sketches have a bounded size."""
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()
    return f"{text[: MAX_TEXT - 17]}#{digest}"
