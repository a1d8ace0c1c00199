"""A model's answers to the rows of a table, as a table: the columns that are kept, then those of the answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from modelyard_api.fields.signature import answer_columns
from modelyard_api.kinds.batchprediction import MOST_EXAMPLES, BadRow
from modelyard_api.wire.task import PredictTask
from modelyard_runtime.models.session import Session
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.given import given_of
from modelyard_runtime.tables.types.convert import of_type
from modelyard_runtime.tables.types.declared import kind_of
from modelyard_runtime.tables.types.kinds import ARROW, Kind


class Answers:
    """Answers batches of rows in their order, and counts those that can't be scored.

    ``read`` counts all rows, ``bad`` those that can't be scored, and ``examples`` has the first of them.
    """

    def __init__(self, task: PredictTask, session: Session) -> None:
        self._task, self._session = task, session
        self.read = self.bad = 0
        self.examples: list[BadRow] = []
        kept = {item.name: Kind(item.type, item.format, item.time_zone) for item in task.data.columns}
        own = {name: kept[name] for name in task.keep}
        own |= {name: Kind(type_) for name, type_ in answer_columns(session.signature).items()}
        declared = {rule.name: kind_of(rule) for rule in task.output.columns}
        self.kinds = {name: declared.get(name, kind) for name, kind in own.items() if name not in task.output.ignore}
        self.schema = pa.schema([(name, kind.arrow) for name, kind in self.kinds.items()])
        self.needed = list(dict.fromkeys([*(item.name for item in session.signature.inputs), *task.keep]))

    @property
    def why(self) -> str:
        """The first rows that can't be scored, for a message."""
        return "; ".join(
            f"row {bad.row}: {f'column {bad.column!r}: ' if bad.column else ''}{bad.reason}" for bad in self.examples
        )

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Returns the table of answers to these rows, without those that can't be scored. Raises UserError, also once
        there are more of them than the task allows."""
        intake = self._session.intake
        columns, bad = given_of(batch, intake.inputs, intake.wide, intake.words)
        good = np.ones(len(batch), dtype=bool)
        good[list(bad)] = False
        given = {name: values[good] for name, values in columns.items()}
        arrays = self._session.answer(intake.derive(given)) if good.any() else {}
        finite = np.ones(int(good.sum()), dtype=bool)
        for values in arrays.values():
            if values.dtype.kind == "f":
                finite &= np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        for position in np.flatnonzero(good)[~finite]:
            bad[int(position)] = ("", "the model's answer is not a finite number")
        good[list(bad)] = False
        self._count(len(batch), {row: bad[row] for row in sorted(bad)})
        if not finite.any():
            return pa.RecordBatch.from_pylist([], self.schema)
        return self._table(batch.filter(pa.array(good)), {name: values[finite] for name, values in arrays.items()})

    def _count(self, rows: int, bad: dict[int, tuple[str, str]]) -> None:
        for position, (column, reason) in bad.items():
            if len(self.examples) < MOST_EXAMPLES:
                self.examples.append(BadRow(row=self.read + position + 1, column=column or None, reason=reason))
        self.read, self.bad = self.read + rows, self.bad + len(bad)
        if self.bad > self._task.max_bad_rows:
            message = (
                f"{self.bad} of the first {self.read} rows can't be scored, at most {self._task.max_bad_rows} are "
                f"allowed: {self.why}; correct them, or raise it"
            )
            raise UserError("TooManyBadRows", message, "spec.maxBadRows")

    def _table(self, kept: pa.RecordBatch, arrays: dict[str, np.ndarray]) -> pa.RecordBatch:
        columns = {name: kept.column(name) for name in self._task.keep} | dict(self._columns(arrays))
        try:
            typed = [of_type(_plain(columns[name]), kind, name) for name, kind in self.kinds.items()]
        except UserError as error:
            message = f"the answers don't fit the Dataset: {error.message}"
            raise UserError(error.reason, message, "spec.output.datasetRef") from error
        return pa.RecordBatch.from_arrays(typed, schema=self.schema)

    def _columns(self, arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, pa.Array]]:
        flat = [
            values if values.ndim == 1 else values[:, index]
            for values in arrays.values()
            for index in range(1 if values.ndim == 1 else len(self._session.signature.classes))
        ]
        for (name, type_), values in zip(answer_columns(self._session.signature).items(), flat, strict=True):
            yield name, pa.array(values.tolist() if values.dtype == object else values, ARROW[type_], from_pandas=False)


def _plain(column: pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
