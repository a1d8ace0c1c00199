"""Types the batches of a table while they are read: what the first batch looks like is guessed, and later ones tell."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

from modelyard_api.fields.columns import ColumnType
from modelyard_api.fields.doubts import Doubt
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import VersionColumn, Violation
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.tables.columns import ARROW, _plain, convert, infer

_WIDER = {"Integer": "Float", "Float": "Category", "Boolean": "Category"}


class _Batch(Protocol):
    @property
    def rows(self) -> pa.RecordBatch: ...


class _Reading(Protocol):
    @property
    def names(self) -> list[str]: ...
    @property
    def text(self) -> bool: ...
    @property
    def missing(self) -> tuple[str, ...]: ...


class Typing:
    """The types of a table's columns, from its batches in their order.

    Give each batch to ``typed``. If ``settled`` is False after the last one, read once more: the types are final then.
    """

    def __init__(self, reading: _Reading, spec: DatasetSpec, previous: object | None = None) -> None:
        """Raises UserError if the spec declares a column that there isn't."""
        unknown = [rule.name for rule in spec.columns if rule.name not in reading.names]
        if unknown:
            raise UserError("ColumnNotFound", one_of(unknown[0], reading.names), "spec.columns")
        self._reading = reading
        self._declared: dict[str, ColumnType] = {rule.name: rule.type for rule in spec.columns}
        self._seen: set[str] = set()
        self._is_settled, self._given = True, False
        self._ignored = set(spec.ignore)
        self.types: dict[str, ColumnType] = {
            name: self._declared.get(name, "Float") for name in reading.names if name not in self._ignored
        }

    @property
    def arrow(self) -> pa.Schema:
        return pa.schema([(name, ARROW[type_]) for name, type_ in self.types.items()])

    def typed(self, batch: _Batch) -> pa.RecordBatch | None:
        """Returns the batch in its types, or None once a guess has failed. Raises UserError."""
        missing = pa.array(self._reading.missing, pa.string())
        columns = []
        for name in self.types:
            column = _plain(batch.rows.column(name), name)
            if self._reading.text and pa.types.is_string(column.type):
                column = pa.compute.if_else(pa.compute.is_in(column, missing), pa.scalar(None, pa.string()), column)
            columns.append(self._column(name, column))
        self._given = True
        return pa.RecordBatch.from_arrays(columns, schema=self.arrow) if self._is_settled else None

    def _column(self, name: str, column: pa.Array) -> pa.Array:
        if name not in self._declared and column.null_count < len(column):
            guess = infer(column, self._reading.text)
            if name not in self._seen:
                self._is_settled &= not self._given or guess == self.types[name]
                self.types[name] = guess
            while not _holds(self.types[name], guess):
                self._is_settled = False
                self.types[name] = _WIDER[self.types[name]]  # type: ignore[assignment]
            self._seen.add(name)
        return convert(column, self.types[name], name)

    def settled(self) -> bool:
        """Returns whether all batches were given out; once False, the types are final."""
        was, self._is_settled = self._is_settled, True
        return was

    def columns(self) -> list[VersionColumn]:
        return [VersionColumn(name=name, type=type_) for name, type_ in self.types.items()]

    def doubts(self) -> list[Doubt]:
        return []

    def violations(self) -> list[Violation]:
        return []


def _holds(type_: str, guess: str) -> bool:
    return type_ in {guess, "Category"} or (type_, guess) == ("Float", "Integer")
