"""Tells of rows, and of keys, that are on both sides of a split by time or by group: a model could know the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from modelyard_api.fields.doubts import Doubt
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_runtime.tables.versions.buckets import Buckets
from modelyard_runtime.tables.versions.chunk import Chunk

MOST_CLASSES = 1000


class Leaks:
    def __init__(self, folder: Path, spec: DatasetSpec) -> None:
        self._target, self._key = spec.target, list(spec.key)
        looks = spec.target is not None and spec.split.strategy in ("Time", "Group")
        self._rows = Buckets(folder / "rows.hashes") if looks else None
        self._keys = Buckets(folder / "keys.hashes") if looks and self._key else None
        self._classes: tuple[set[str], set[str]] | None = (set(), set())

    def add(self, chunk: Chunk, held_out: NDArray[np.bool_]) -> None:
        if self._rows is not None:
            self._rows.add(chunk.hashes_of([name for name in chunk.names if name not in self._key]), held_out)
        if self._keys is not None:
            self._keys.add(chunk.hashes_of(self._key), held_out)
        if self._target is not None and self._classes is not None:
            self._add_classes(chunk, held_out)

    def _add_classes(self, chunk: Chunk, held_out: NDArray[np.bool_]) -> None:
        assert self._target is not None
        assert self._classes is not None
        column = chunk.column(self._target)
        if not (pa.types.is_string(column.type) or pa.types.is_boolean(column.type)):
            self._classes = None
            return
        encoded = chunk.encoded(self._target)
        for side, mask in zip(self._classes, (~held_out, held_out), strict=True):
            codes = encoded.indices.filter(pa.array(mask)).unique()
            side.update(map(str, encoded.dictionary.take(codes).to_pylist()))
            if len(side) > MOST_CLASSES:
                self._classes = None
                return

    def doubts(self) -> list[Doubt]:
        doubts = []
        if self._keys is not None and (count := _on_both(self._keys)):
            message = (
                f"{count} rows that are held out have a key that rows to train on have too: what is known of it there "
                "tells the answer here; split by key (Random), or by a group that has each key once"
            )
            doubts.append(Doubt(column=self._key[0], reason="KeyOnBothSides", message=message, count=count))
        if self._rows is not None and (count := _on_both(self._rows)):
            but = " but for their key" if self._key else ""
            message = (
                f"{count} rows that are held out are equal{but} to rows to train on: a model may have learnt them by "
                "heart; drop the duplicates, or split by Random, which keeps equal rows together"
            )
            doubts.append(Doubt(reason="RowsOnBothSides", message=message, count=count))
        if self._classes is not None and (new := sorted(self._classes[1] - self._classes[0])):
            message = (
                f"{len(new)} classes of {self._target!r} are held out alone, {', '.join(map(repr, new[:3]))}: a model "
                "can't learn them; bring more rows of them, or split by Stratified"
            )
            doubts.append(
                Doubt(column=self._target, reason="ClassHeldOut", message=message, count=len(new), example=new[0])
            )
        return doubts


def _on_both(buckets: Buckets) -> int:
    """Returns how many rows that are held out have the hash of one that is not."""
    count = 0
    for hashes, held_out in buckets.parts():
        sides = held_out.astype(bool)
        count += int(np.isin(hashes[sides], hashes[~sides]).sum())
    return count
