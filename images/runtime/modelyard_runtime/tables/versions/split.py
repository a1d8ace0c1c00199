"""Writes each row to its part, training or held out, as soon as its side is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.fields.doubts import Doubt
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.versions.choosers import Chooser, chooser_of
from modelyard_runtime.tables.versions.chunk import Chunk, numbered
from modelyard_runtime.tables.versions.groups import ParquetFile
from modelyard_runtime.tables.versions.leaks import Leaks
from modelyard_runtime.tables.versions.spool import Spool
from modelyard_runtime.tables.versions.worker import Worker


class Parts:
    """The files of both parts in ``folder``. What can't be written at once waits in a file of typed rows there."""

    def __init__(self, folder: Path, schema: pa.Schema, spec: DatasetSpec) -> None:
        """Raises UserError if the split doesn't fit the columns."""
        self._spec = spec
        self._chooser: Chooser = chooser_of(spec, schema)
        self._spool = Spool(folder / "waiting.arrow", schema)
        self._leaks = Leaks(folder, spec)
        self._worker = Worker("parquet")
        self.train, self.test = (ParquetFile(folder / name, schema) for name in (TRAIN_PARQUET, TEST_PARQUET))

    def update(self, chunk: Chunk) -> None:
        was_known = self._chooser.is_known
        self._chooser.see(chunk)
        if not self._chooser.is_known:
            self._spool.write(chunk.rows)
            return
        if not was_known:
            self._empty_spool()
        self._write(chunk)

    def end(self) -> None:
        """Writes the rows that wait, and the ends of the files. Raises UserError if either part is empty."""
        if not self._chooser.is_known:
            self._spool.close()
            self._chooser.settle(self._spool)
            self._empty_spool()
        self._worker.wait()
        self._worker.close()
        self.train.close()
        self.test.close()
        self._check()

    def close(self) -> None:
        """Ends the writing wherever it is."""
        self._worker.close()

    @property
    def both(self) -> tuple[ParquetFile, ParquetFile]:
        return self.train, self.test

    def doubts(self) -> list[Doubt]:
        """Returns what is doubtful of the split, after its end."""
        return [*self._chooser.doubts(self.train.rows, self.test.rows), *self._leaks.doubts()]

    def _empty_spool(self) -> None:
        self._spool.close()
        for rows in self._spool.batches():
            self._write(numbered(rows, 0))
        self._spool.delete()

    def _write(self, chunk: Chunk) -> None:
        mask = self._chooser.of(chunk)
        self._leaks.add(chunk, mask)
        self._worker.do(self._divide, chunk.rows, mask)

    def _divide(self, rows: pa.RecordBatch, held_out: NDArray[np.bool_]) -> None:
        for file, chosen in ((self.train, ~held_out), (self.test, held_out)):
            if chosen.all():
                file.write(rows)
            elif chosen.any():
                file.write(rows.filter(pa.array(chosen)))

    def _check(self) -> None:
        if self._spec.target is None or (self.train.rows and self.test.rows):
            return
        rows, share = self.train.rows + self.test.rows, self._spec.split.test
        purpose = "train on" if not self.train.rows else "test on"
        why = self._chooser.why_empty
        message = f"{share:g} of {rows} rows leaves no row to {purpose}{why}; bring more rows, or write another share"
        raise UserError("InvalidSplit", message, "spec.split.test")
