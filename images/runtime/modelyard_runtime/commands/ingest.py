"""``ingest``: turns a source into an immutable, checked version with a digest, typed columns and Parquet files."""

from __future__ import annotations

from pathlib import Path

from modelyard_api.fields.artifact import RESULT_JSON
from modelyard_api.kinds.datasetversion import VersionInput
from modelyard_api.wire.result import IngestResult, LookResult
from modelyard_api.wire.task import CREDENTIALS_FOLDER, SOURCE_FOLDER, IngestTask
from modelyard_runtime.pod.progress import Progress
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.reading.reading import Reading
from modelyard_runtime.tables.sources.keys import Keys
from modelyard_runtime.tables.sources.source import open_source
from modelyard_runtime.tables.types.typing import Typing
from modelyard_runtime.tables.versions.before import before
from modelyard_runtime.tables.versions.chunk import numbered
from modelyard_runtime.tables.versions.columns import check_columns, check_rows
from modelyard_runtime.tables.versions.version import NewVersion, Story


def ingest(
    task: IngestTask,
    store: ArtifactStore,
    root: Path = Path(SOURCE_FOLDER),
    credentials: Path = Path(CREDENTIALS_FOLDER),
) -> IngestResult | LookResult:
    """Reads, checks, splits and writes the data, if any is new. Raises UserError for an error that the user must fix,
    and Retriable."""
    spec = task.spec
    opened = open_source(task, store, root, Keys(credentials))
    if isinstance(opened, LookResult):
        return opened
    reading = opened.reading
    check_columns(reading.names, spec)
    typing, progress = Typing(reading, spec, task.previous), Progress.of(task, reading.size)
    version = _read(reading, typing, task, progress) or _read(reading, typing, task, progress)
    assert version is not None, "types are final after the first reading"
    try:
        story = Story(task.subject.name, before(store, task.previous), [*reading.doubts, *typing.doubts()])
        fields = version.end(store, task.base_uri, typing.columns(), story, typing.violations())
    finally:
        version.close()
    result = IngestResult(**fields, missing=list(reading.missing))
    store.put_json_first(f"{result.uri}/{RESULT_JSON}", result.wire())
    result.listing = opened.kept(store, task.base_uri)
    result.inputs = [VersionInput.model_validate(given.model_dump()) for given in task.inputs]
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
