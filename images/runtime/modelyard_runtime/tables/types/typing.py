"""Types the batches of a table while they are read: what the first batch looks like is guessed, and later ones tell."""

from __future__ import annotations

import pyarrow as pa

from modelyard_api.fields.columns import ColumnType
from modelyard_api.fields.doubts import Doubt
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import VersionColumn, Violation
from modelyard_api.wire.task import Previous
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.tables.reading.reading import Batch, Reading
from modelyard_runtime.tables.types import misfits
from modelyard_runtime.tables.types.column import Column
from modelyard_runtime.tables.types.declared import kind_of
from modelyard_runtime.tables.types.disguise import Disguise
from modelyard_runtime.tables.types.doubts.told import doubts
from modelyard_runtime.tables.types.kinds import Kind
from modelyard_runtime.tables.types.spans import Span
from modelyard_runtime.tables.types.texts import Cleaner

_MOST_WORDS, _LEAST_WORDS = 400_000, 256
"""Different texts that are remembered in all, and at least of each column."""
_MOST_OF_ONE = 5_000


class Typing:
    """The types of a table's columns, from its batches in their order.

    Give each batch to ``typed``. If ``settled`` is False after the last one, read once more: the types are final then.
    """

    def __init__(self, reading: Reading, spec: DatasetSpec, previous: Previous | None = None) -> None:
        """``previous`` is the last accepted version, whose types hold unless ``spec`` declares others, or allows them
        to change and a value does not fit. Raises UserError if the spec declares a column that there isn't, or a format
        or a time zone that isn't known."""
        unknown = [rule.name for rule in spec.columns if rule.name not in reading.names]
        if unknown:
            raise UserError("ColumnNotFound", one_of(unknown[0], reading.names), "spec.columns")
        fixed = {column.name: Kind(column.type, column.format, column.time_zone) for column in _known(previous)}
        declared = {rule.name: kind_of(rule) for rule in spec.columns}
        fixed |= declared
        may_change = spec.validation.column_changes == "Allow"
        names = [name for name in reading.names if name not in set(spec.ignore)]
        limit = min(_MOST_OF_ONE, max(_LEAST_WORDS, _MOST_WORDS // max(len(names), 1)))
        cleaner = Cleaner(reading.missing)
        self._is_text, self._spec = reading.text, spec
        self._columns = {
            name: Column(
                name,
                fixed.get(name),
                cleaner,
                reading.numbers,
                limit,
                name == spec.target,
                may_change and name not in declared,
            )
            for name in names
        }
        self._begin()
        self._is_settled, self._has_begun = True, False
        self._declared = {rule.name for rule in spec.columns}

    @property
    def types(self) -> dict[str, ColumnType]:
        """The types so far; they are final once ``settled`` was asked."""
        return {name: column.kind.type for name, column in self._columns.items()}

    @property
    def arrow(self) -> pa.Schema:
        """The schema of typed batches."""
        return pa.schema([(name, column.kind.arrow) for name, column in self._columns.items()])

    def typed(self, batch: Batch) -> pa.RecordBatch | None:
        """Returns the batch in its types, or None once a guess has failed. Raises UserError for a type of a file that
        no column can have."""
        arrays = []
        for name, column in self._columns.items():
            values, is_other = column.take(batch.rows.column(name), self._is_text, batch)
            self._is_settled &= not (is_other and self._has_begun)
            arrays.append(values)
        self._has_begun = True
        if not self._is_settled:
            return None
        typed = pa.RecordBatch.from_arrays(arrays, schema=self.arrow)
        self._look(typed, batch)
        return typed

    def encoded(self) -> dict[str, pa.DictionaryArray]:
        """Returns the texts of the batch that was given out last as indices of the different ones, of those columns of
        which this is known."""
        return {name: column.encoded for name, column in self._columns.items() if column.encoded is not None}

    def _begin(self) -> None:
        self._spans: dict[str, Span] = {}
        self._disguise = Disguise(list(self._columns), self._spec.target)

    def _look(self, typed: pa.RecordBatch, batch: Batch) -> None:
        """Takes what speaks of the values, once they have their types."""
        for name, values in zip(typed.schema.names, typed.columns, strict=True):
            if not pa.types.is_string(values.type):
                self._spans.setdefault(name, Span()).add(values, batch)
        self._disguise.add(typed)

    def settled(self) -> bool:
        """Returns whether all batches were given out in types that have proven right; if not, all batches have to come
        once more."""
        was, self._is_settled = self._is_settled, True
        for column in self._columns.values():
            if was:
                column.finish()
            else:
                column.again()
        if not was:
            self._begin()
        return was

    def columns(self) -> list[VersionColumn]:
        """Returns the columns with their types, and of Timestamps how they were written."""
        kinds = ((name, column.kind) for name, column in self._columns.items())
        return [
            VersionColumn(name=name, type=kind.type, format=kind.format, time_zone=kind.zone) for name, kind in kinds
        ]

    def doubts(self) -> list[Doubt]:
        """Returns what was guessed, the weightiest first."""
        return doubts(self._columns.values(), self._spans, self._disguise, self._declared, self._spec.target)

    def violations(self) -> list[Violation]:
        """Returns a violation for each column with values that are not of its type. Raises UserError if none is."""
        return [
            misfits.violation(column, name in self._declared)
            for name, column in self._columns.items()
            if column.misfits.total
        ]


def _known(previous: Previous | None) -> list[VersionColumn]:
    """Returns the columns whose types hold: of one without any value nothing was known."""
    return [column for column in previous.columns if column.distinct != 0] if previous else []
