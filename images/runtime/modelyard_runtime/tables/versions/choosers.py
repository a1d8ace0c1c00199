"""The strategies of a split: how each finds out on which side a row is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from modelyard_api.fields.doubts import Doubt
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.tables.versions import latest
from modelyard_runtime.tables.versions.chunk import Chunk
from modelyard_runtime.tables.versions.sides import Sides
from modelyard_runtime.tables.versions.spool import Spool


class Chooser(Protocol):
    why_empty: str
    """What made a part empty, for a message."""

    @property
    def is_known(self) -> bool:
        """Whether the sides of all rows so far, and of all to come, are known."""
        ...

    def see(self, chunk: Chunk) -> None: ...
    def settle(self, spool: Spool) -> None:
        """Decides after the last row; ``spool`` has all of them."""
        ...

    def of(self, chunk: Chunk) -> NDArray[np.bool_]:
        """Returns for each row whether it is held out."""
        ...

    def doubts(self, train: int, test: int) -> list[Doubt]: ...


def chooser_of(spec: DatasetSpec, schema: pa.Schema) -> Chooser:
    """Returns the chooser of a Dataset's split: without a target none is held out, since there is nothing to score.

    Raises UserError if the split doesn't fit the columns.
    """
    if spec.target is None:
        return _All()
    split = spec.split
    if split.strategy == "Time":
        assert spec.timestamp is not None
        kind = _kind(schema, spec.timestamp, "spec.timestamp")
        if not (pa.types.is_timestamp(kind) or pa.types.is_integer(kind)):
            message = f"column {spec.timestamp!r} holds {kind}, no instants; declare it in columns as Timestamp"
            raise UserError("InvalidSplit", message, "spec.timestamp")
        return _ByTime(spec.timestamp, split.test)
    if split.strategy == "Group":
        assert split.column is not None
        _kind(schema, split.column, "spec.split.column")
        return _ByHash([split.column], None, split.test, split.seed, "groups")
    stratum = None
    if split.strategy == "Stratified":
        stratum = spec.target
        if pa.types.is_floating(_kind(schema, stratum, "spec.target")):
            raise UserError("InvalidSplit", "Stratified needs a target of classes; write Random", "spec.split.strategy")
    unit = list(spec.key) or list(schema.names)
    return _ByHash(unit, stratum, split.test, split.seed, "keys" if spec.key else "rows")


def _kind(schema: pa.Schema, name: str, field: str) -> pa.DataType:
    if name not in schema.names:
        raise UserError("ColumnNotFound", one_of(name, schema.names), field)
    return schema.field(name).type


class _All:
    """All rows are to train on."""

    is_known, why_empty = True, ""

    def see(self, chunk: Chunk) -> None: ...
    def settle(self, spool: Spool) -> None: ...
    def of(self, chunk: Chunk) -> NDArray[np.bool_]:
        return np.zeros(len(chunk), bool)

    def doubts(self, train: int, test: int) -> list[Doubt]:
        return []


class _ByHash:
    def __init__(self, unit: list[str], stratum: str | None, share: float, seed: int, noun: str) -> None:
        self._unit, self._stratum, self._share, self._noun = unit, stratum, share, noun
        self._sides = Sides(share, seed, stratum is not None)
        self.why_empty = "" if noun == "rows" else f", since {noun} are not divided"

    @property
    def is_known(self) -> bool:
        return self._sides.is_by_threshold

    def see(self, chunk: Chunk) -> None:
        if self.is_known:
            return
        strata = chunk.hashes(self._stratum) if self._stratum else None
        self._sides.see(chunk.hashes_of(self._unit), strata)

    def settle(self, spool: Spool) -> None:
        self._sides.settle()

    def of(self, chunk: Chunk) -> NDArray[np.bool_]:
        return self._sides.of(chunk.hashes_of(self._unit))

    def doubts(self, train: int, test: int) -> list[Doubt]:
        share = test / (train + test)
        if abs(share - self._share) <= max(0.1 * self._share, 1 / (train + test)):
            return []
        what = "equal rows" if self._noun == "rows" else self._noun
        message = (
            f"{share:.3g} of the rows are held out instead of {self._share:g}, since {what} are not divided; "
            "write another share, or another strategy"
        )
        return [Doubt(reason="SplitShare", message=message, count=test)]


class _ByTime:
    is_known = False

    def __init__(self, column: str, share: float) -> None:
        self._column, self._share = column, share
        self._missing, self._cut = 0, 0
        self.why_empty = f", since column {column!r} has fewer than two different instants"

    def see(self, chunk: Chunk) -> None:
        self._missing += chunk.column(self._column).null_count

    def settle(self, spool: Spool) -> None:
        def times() -> Iterator[latest.Times]:
            return (latest.times_of(rows.column(0)) for rows in spool.batches([self._column]))

        cut, _ = latest.cut_of(times, self._share)
        self._cut = np.iinfo(np.int64).max if cut is None else cut

    def of(self, chunk: Chunk) -> NDArray[np.bool_]:
        return latest.mask_of(chunk.column(self._column), self._cut)

    def doubts(self, train: int, test: int) -> list[Doubt]:
        if not self._missing:
            return []
        message = (
            f"{self._missing} rows have no instant in {self._column!r}; they are trained on, since it can't be said "
            "whether they are the latest; fill them in, or bound them by maxMissing"
        )
        return [Doubt(column=self._column, reason="NoInstant", message=message, count=self._missing)]
