"""Finds columns that are the target in disguise: each of their values goes with one value of the target alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_MOST = 1000
"""Most different values of such a column, and of the target."""
_HEAD = 1000
_LONGEST = 256
"""Bytes of a value, at the average, up to which different ones are remembered."""
_EXACT = 1 - 1e-9
_ENOUGH = 20


class Mapped(NamedTuple):
    """How many different values a column has, how many the target, and in how many rows both are present."""

    values: int
    classes: int
    rows: int
    pair: tuple[object, object]


class Disguise:
    """Compares the columns of typed batches with the target; one that has failed is not looked at again."""

    def __init__(self, names: list[str], target: str | None) -> None:
        self._target = target
        self._maps: dict[str, dict[object, object]] = {name: {} for name in names if name != target} if target else {}
        self._rows: dict[str, int] = dict.fromkeys(self._maps, 0)
        self._is_first = True
        self.straight: dict[str, int] = {}
        """Columns of numbers that lie on a line with a target of numbers, and in how many rows."""

    def add(self, batch: pa.RecordBatch) -> None:
        if self._target is None:
            return
        target = batch.column(self._target)
        if self._is_first:
            self._is_first = False
            self._compare_numbers(batch, target)
        if pa.types.is_floating(target.type) or pa.types.is_timestamp(target.type):
            self._maps.clear()
        for name in list(self._maps):
            column = batch.column(name)
            holds = not pa.types.is_timestamp(column.type) and column.nbytes <= _LONGEST * len(column)
            holds = holds and self._holds(name, column[:_HEAD], target[:_HEAD], False)
            if not (holds and self._holds(name, column, target, True)):
                del self._maps[name]

    def found(self) -> dict[str, Mapped]:
        """Returns the columns that determine the target, and whose values come often enough to mean something."""
        found = {}
        for name, pairs in self._maps.items():
            classes, rows = len(set(pairs.values())), self._rows[name]
            if classes > 1 and rows >= max(_ENOUGH, 5 * len(pairs)):
                found[name] = Mapped(len(pairs), classes, rows, next(iter(pairs.items())))
        return found

    def _holds(self, name: str, column: pa.Array, target: pa.Array, keep: bool) -> bool:
        both = pc.and_(pc.is_valid(column), pc.is_valid(target))
        column, target = column.filter(both).dictionary_encode(), target.filter(both).dictionary_encode()
        most = len(target.dictionary)
        if most > _MOST or len(column.dictionary) > _MOST:
            return False
        pairs = np.unique(column.indices.to_numpy().astype(np.int64) * max(most, 1) + target.indices.to_numpy())
        if len(pairs) > len(column.dictionary):
            return False
        known, values, classes = self._maps[name], column.dictionary.to_pylist(), target.dictionary.to_pylist()
        for pair in pairs.tolist():
            value, class_ = values[pair // most], classes[pair % most]
            if known.get(value, class_) != class_:
                return False
            if keep:
                known[value] = class_
        self._rows[name] += len(column) if keep else 0
        return len(known) <= _MOST

    def _compare_numbers(self, batch: pa.RecordBatch, target: pa.Array) -> None:
        if not _is_number(target):
            return
        for name in self._maps:
            if not _is_number(column := batch.column(name)):
                continue
            both = pc.and_(pc.is_valid(column), pc.is_valid(target))
            one = pc.cast(column.filter(both), pa.float64(), safe=False).to_numpy()
            other = pc.cast(target.filter(both), pa.float64(), safe=False).to_numpy()
            finite = np.isfinite(one) & np.isfinite(other)
            one, other = one[finite], other[finite]
            if len(one) >= _ENOUGH and len(np.unique(one)) > 2 and _correlation(one, other) > _EXACT:
                self.straight[name] = len(one)


def _is_number(column: pa.Array) -> bool:
    return pa.types.is_integer(column.type) or pa.types.is_floating(column.type)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        one, other = one - one.mean(), other - other.mean()
        size = np.sqrt((one * one).sum() * (other * other).sum())
        return abs(float((one * other).sum() / size)) if size > 0 and np.isfinite(size) else 0.0
