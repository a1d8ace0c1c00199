"""``arrival: Append``: rows that were not seen before come after those of the latest accepted version."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.fields.doubts import Doubt
from modelyard_api.wire.task import Previous
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.named import doubts


class Arrived(NamedTuple):
    new: list[File]
    """Those whose rows no version has, in the order of their names."""
    made_of: list[File]
    """Those of which the version with their rows is made."""
    doubts: list[Doubt]
    """What happened to files whose rows are taken already, which nobody will read again."""


def arrived(files: list[File], taken: list[File], moving: list[File]) -> Arrived:
    """Compares what is there with the files that were ``taken``, each by its name; those that are ``moving`` may still
    be written, and wait."""
    known, waits = {file.name: file for file in taken}, {file.name for file in moving}
    new = [file for file in files if file.name not in known and file.name not in waits]
    changed = [file.name for file in files if file.name in known and file[1:3] != known[file.name][1:3]]
    gone = sorted(known.keys() - {file.name for file in files})
    told = [
        *doubts("FileChanged", changed, "has changed since its rows were taken; write what is new into another file"),
        *doubts("FileGone", gone, "is gone, and its rows stay; write arrival: Replace to have what is there alone"),
        *doubts(
            "NotSettled",
            sorted(waits - known.keys()),
            "may still be written; the next look takes it",
        ),
    ]
    made_of = sorted([*taken, *new], key=lambda file: file.name)
    return Arrived(new, made_of, told)


def rows(store: ArtifactStore, parent: Previous, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yields the parent's rows in the types of the new ones. Raises UserError if they don't fit, and Unavailable."""
    with tempfile.TemporaryDirectory(prefix="parent-") as folder:
        for path in fetched(store, parent, Path(folder)):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(1 << 16):
                    yield _fitted(batch, schema, parent.name)


def fetched(store: ArtifactStore, parent: Previous, to: Path) -> list[Path]:
    """Fetches the parent's files. Raises UserError if one is gone, and Unavailable."""
    paths = [to / name for name in (TRAIN_PARQUET, TEST_PARQUET)]
    for path in paths:
        store.fetch(f"{parent.uri}/{path.name}", path)
    return paths


def _fitted(batch: pa.RecordBatch, schema: pa.Schema, parent: str) -> pa.RecordBatch:
    """Returns the batch with the columns of the schema. One that it doesn't have is missing in each of its rows."""
    columns = []
    for field in schema:
        if field.name not in batch.schema.names:
            columns.append(pa.nulls(batch.num_rows, field.type))
            continue
        column = batch.column(field.name)
        try:
            columns.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            message = (
                f"column {field.name!r} is {column.type} in {parent} and {field.type} in the new rows; declare it in "
                "spec.columns as it was, or write arrival: Replace"
            )
            raise UserError("ColumnsDiffer", message, "spec.source.arrival") from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)
