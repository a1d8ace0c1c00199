"""Keeps typed rows on the pod's volume until it is known where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


class Spool:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._writer: pa.RecordBatchFileWriter | None = None

    def write(self, rows: pa.RecordBatch) -> None:
        if self._writer is None:
            self._writer = pa.ipc.new_file(str(self._path), self._schema, options=_LZ4)
        self._writer.write_batch(rows)

    def close(self) -> None:
        """Ends the writing."""
        if self._writer is not None:
            self._writer.close()

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yields the rows, or some of their columns, in the order in which they were written."""
        if self._writer is None:
            return
        fields = [self._schema.get_field_index(name) for name in columns] if columns else []
        options = pa.ipc.IpcReadOptions(included_fields=fields)
        with pa.OSFile(str(self._path)) as source, pa.ipc.open_file(source, options=options) as file:
            for index in range(file.num_record_batches):
                yield file.get_batch(index)

    def delete(self) -> None:
        self._path.unlink(missing_ok=True)
        self._writer = None
