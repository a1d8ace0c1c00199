"""One rule, and the rows that break it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.kinds.datasetversion import Violation
from modelyard_runtime.tables.versions.chunk import Chunk

EXAMPLES = 5
Test = Callable[[Chunk], pa.Array | None]
"""Returns a mask of the rows that break a rule, in which null breaks nothing; None if no row does."""


class RowRule:
    """``columns`` are those whose values are shown as examples; a violation is one of ``column``, if there is one."""

    def __init__(self, text: str, test: Test, columns: list[str], column: str | None = None) -> None:
        self._text, self._test, self._columns, self._column = text[:256], test, columns, column
        self._count, self._file = 0, ""
        self._examples: dict[str, int] = {}

    def update(self, chunk: Chunk) -> None:
        mask = self._test(chunk)
        if mask is None:
            return
        rows = np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))
        if not len(rows):
            return
        if not self._count:
            self._file = chunk.file
        self._count += len(rows)
        for row in rows.tolist():
            if len(self._examples) == EXAMPLES or chunk.file != self._file:
                break
            self._examples.setdefault(_shown(chunk, self._columns, row), int(chunk.numbers[row]))

    def end(self) -> list[Violation]:
        if not self._count:
            return []
        what = "value breaks" if self._count == 1 else "values break"
        return [
            Violation(
                column=self._column,
                rule=self._text,
                found=f"{self._count} {what} it",
                examples=list(self._examples),
                rows=list(self._examples.values()),
                file=self._file or None,
            )
        ]


def _shown(chunk: Chunk, columns: list[str], row: int) -> str:
    values = [chunk.column(name)[row].as_py() for name in columns]
    if len(columns) == 1:
        return str(values[0])[:64]
    return ", ".join(f"{name} {value}" for name, value in zip(columns, values, strict=True))[:64]
