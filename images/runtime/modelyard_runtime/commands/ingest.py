"""``ingest``: turns a source into an immutable, checked version with a digest, typed columns and Parquet files."""

from __future__ import annotations

from pathlib import Path

from modelyard_api.fields.artifact import RESULT_JSON
from modelyard_api.wire.result import IngestResult
from modelyard_api.wire.task import SOURCE_FOLDER, IngestTask
from modelyard_runtime.pod.progress import Progress
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.reading.locate import find
from modelyard_runtime.tables.reading.reading import Reading, open_files
from modelyard_runtime.tables.types.typing import Typing
from modelyard_runtime.tables.versions.chunk import numbered
from modelyard_runtime.tables.versions.columns import check_columns, check_rows
from modelyard_runtime.tables.versions.version import NewVersion


def ingest(task: IngestTask, store: ArtifactStore, root: Path = Path(SOURCE_FOLDER)) -> IngestResult:
    """Reads, checks, splits and writes the data. Raises UserError for an error that the user must fix."""
    spec = task.spec
    reading = open_files(find(root, task.source, spec.source.format), root, spec.source)
    check_columns(reading.names, spec)
    typing = Typing(reading, spec, None)
    progress = Progress.of(task, reading.size)
    version = _read(reading, typing, task, progress) or _read(reading, typing, task, progress)
    assert version is not None, "types are final after the first reading"
    try:
        fields = version.end(
            store,
            task.base_uri,
            typing.columns(),
            None,
            [*reading.doubts, *typing.doubts()],
            typing.violations(),
        )
    finally:
        version.close()
    result = IngestResult(**fields)
    store.put_json_first(f"{result.uri}/{RESULT_JSON}", result.wire())
    return result


def _read(reading: Reading, typing: Typing, task: IngestTask, progress: Progress) -> NewVersion | None:
    """Reads all rows; returns None if the types that were guessed first turned out to be wrong. Raises UserError."""
    version: NewVersion | None = None
    read, is_done = 0, False
    try:
        for batch in reading.batches():
            read += batch.rows.num_rows
            rows = typing.typed(batch)
            if rows is not None:
                version = version or NewVersion(rows.schema, task.spec)
                version.add(numbered(rows, batch.first_row, batch.file))
            elif version is not None:
                version.close()
                version = None
            progress.at(read, batch.done)
        is_settled = typing.settled()
        if not is_settled:
            say("some values are not of the types that were guessed: reading once more")
            progress.again()
            return None
        check_rows(read, task.spec)
        is_done = True
        return version
    finally:
        if version is not None and not is_done:
            version.close()
