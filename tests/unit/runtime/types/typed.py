"""Types columns that a test writes, in as many batches as it likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from modelyard_api.fields.doubts import Doubt
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import VersionColumn, Violation
from modelyard_api.wire.task import Previous
from modelyard_runtime.tables.reading.reading import MISSING, Batch, NumberStyle, Reading
from modelyard_runtime.tables.types.typing import Typing


@dataclass
class Typed:
    """``passes`` is how often the batches came, ``columns`` what was given out in the last one."""

    types: dict[str, str]
    kinds: dict[str, VersionColumn]
    columns: dict[str, list[Any]]
    passes: int
    doubts: list[Doubt]
    violations: list[Violation]

    @property
    def reasons(self) -> list[str]:
        return [doubt.reason for doubt in self.doubts]


def typed(
    batches: Sequence[dict[str, Any]],
    *,
    text: bool = True,
    missing: tuple[str, ...] = MISSING,
    style: NumberStyle = NumberStyle(),  # noqa: B008, it can't be changed
    previous: Sequence[dict[str, Any]] | None = None,
    **spec: Any,
) -> Typed:
    """Types batches of column -> values; the first row of a file with a header is row 2."""
    places, row = [], 2
    for columns in batches:
        rows = pa.record_batch({name: _array(values, text) for name, values in columns.items()})
        places.append(Batch(rows, "t.csv", row, 0))
        row += len(rows)
    reading = Reading(list(batches[0]), text, style, missing, 0, lambda: iter(places))
    dataset = DatasetSpec.model_validate({"source": {"pushed": {}}, **spec})
    before = None
    if previous is not None:
        columns_before = [VersionColumn.model_validate(column) for column in previous]
        before = Previous(name="d-1", uri="mlflow-artifacts:/n/d", digest="sha256:" + "0" * 64, columns=columns_before)
    typing, passes = Typing(reading, dataset, before), 1
    given = [typing.typed(batch) for batch in places]
    if not typing.settled():
        given, passes = [typing.typed(batch) for batch in places], 2
        assert typing.settled()
    table = pa.Table.from_batches([batch for batch in given if batch is not None], typing.arrow)
    assert len(table) == row - 2
    kinds = {column.name: column for column in typing.columns()}
    types = {name: str(column.type) for name, column in kinds.items()}
    return Typed(types, kinds, table.to_pydict(), passes, typing.doubts(), typing.violations())


def one(values: list[Any], name: str = "a", **options: Any) -> Typed:
    """Types one column in one batch."""
    return typed([{name: values}], **options)


def _array(values: Any, text: bool) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    return pa.array(values, pa.string()) if text else pa.array(values)
