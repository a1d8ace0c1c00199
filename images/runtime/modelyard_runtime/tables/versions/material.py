"""What the report of a new version is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from modelyard_api.fields.doubts import Doubt
from modelyard_api.kinds.datasetversion import Change
from modelyard_api.wire.sketches import Column
from modelyard_runtime.tables.report.material import Material, Parent, Remark, sample_size
from modelyard_runtime.tables.versions.before import Before
from modelyard_runtime.tables.versions.chunk import Chunk

_MOST_BYTES = 64 << 20


class Sample:
    """The first rows of a table: as many as a report looks at, and not more than 64 MiB of them."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema, self._left, self._room = schema, sample_size(len(schema)), _MOST_BYTES
        self._rows: list[pa.RecordBatch] = []

    def update(self, chunk: Chunk) -> None:
        if self._left > 0 and self._room > 0:
            rows = chunk.rows.slice(0, self._left)
            self._rows.append(rows)
            self._left, self._room = self._left - rows.num_rows, self._room - rows.get_total_buffer_size()

    def table(self) -> pa.Table:
        return pa.Table.from_batches(self._rows, self._schema)


def material_of(
    fields: dict[str, Any], dataset: str, sketches: Sequence[Column], sample: pa.Table, before: Before | None
) -> Material:
    """``fields`` are those of the version's TableResult."""
    parent = None
    if before is not None and before.profile is not None:
        parent = Parent(before.name, before.profile.predictions, before.profile.columns)
    return Material(
        dataset,
        fields["version_id"],
        fields["digest"],
        fields["rows"],
        fields["test_rows"],
        fields["accepted"],
        fields["target"],
        fields["columns"],
        sketches,
        sample,
        dropped=fields["dropped_rows"],
        violations=fields["violations"],
        doubts=_remarks(fields["doubts"]),
        changes=[_remark(change) for change in fields["changes"]],
        parent=parent,
    )


def _remarks(doubts: Iterable[Doubt]) -> list[Remark]:
    return [
        Remark(
            doubt.column,
            doubt.reason,
            doubt.message,
            [doubt.example] if doubt.example is not None else [],
            [doubt.row] if doubt.row is not None else [],
            doubt.file or "",
        )
        for doubt in doubts
    ]


def _remark(change: Change) -> Remark:
    messages = {
        "Added": f"the column is new, a {change.is_}",
        "Removed": f"the column is there no more; it was a {change.was}",
        "TypeChanged": f"it was a {change.was}, and is a {change.is_}",
    }
    return Remark(change.column, change.change, messages[change.change])
