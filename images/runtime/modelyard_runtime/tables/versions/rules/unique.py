"""The rule that no value of a column comes twice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from modelyard_api.kinds.datasetversion import Violation
from modelyard_runtime.tables.versions import hashes
from modelyard_runtime.tables.versions.buckets import Buckets
from modelyard_runtime.tables.versions.chunk import Chunk, numbered
from modelyard_runtime.tables.versions.rules.broken import EXAMPLES


class Unique:
    """Missing values are equal to none. Hashes of all values lie in ``folder`` if they are many."""

    def __init__(self, column: str, number: int, folder: Path) -> None:
        self._column = column
        self._seen = Buckets(folder / f"unique-{number}.hashes")

    def update(self, chunk: Chunk) -> None:
        values, numbers = chunk.hashes(self._column), chunk.numbers
        if chunk.column(self._column).null_count:
            valid = hashes.valid(chunk.column(self._column))
            values, numbers = values[valid], numbers[valid]
        self._seen.add(values, numbers)

    def end(self, rows: Iterable[pa.RecordBatch]) -> list[Violation]:
        """``rows`` are all rows again, in any order: they are looked at for examples if there are any."""
        again, first = 0, {}
        for values, numbers in self._seen.parts():
            repeated = np.flatnonzero(values[1:] == values[:-1]) + 1
            again += len(repeated)
            for index in repeated[: EXAMPLES - len(first)].tolist():
                first.setdefault(values[index], int(numbers[index]))
        if not again:
            return []
        texts = self._texts(set(first), rows)
        shown = {texts.get(value, "?"): row for value, row in first.items()}
        found = f"{again} values were there before"
        return [
            Violation(column=self._column, rule="unique", found=found, examples=list(shown), rows=list(shown.values()))
        ]

    def _texts(self, wanted: set[np.uint64], rows: Iterable[pa.RecordBatch]) -> dict[np.uint64, str]:
        texts: dict[np.uint64, str] = {}
        for batch in rows:
            chunk = numbered(batch.select([self._column]), 0)
            values = chunk.hashes(self._column)
            for index in np.flatnonzero(np.isin(values, list(wanted))).tolist():
                texts.setdefault(values[index], str(chunk.column(self._column)[index].as_py())[:64])
            if len(texts) == len(wanted):
                break
        return texts
