"""``ingest``: turns a source into an immutable, checked version with a digest, typed columns and Parquet files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelyard_api.fields.artifact import RESULT_JSON
from modelyard_api.wire.result import IngestResult, LookResult
from modelyard_api.wire.task import CREDENTIALS_FOLDER, SOURCE_FOLDER, IngestTask
from modelyard_runtime.pod.progress import Progress
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.reading.reading import Reading
from modelyard_runtime.tables.sources.keys import Keys
from modelyard_runtime.tables.sources.source import Opened, open_source
from modelyard_runtime.tables.types.typing import Typing
from modelyard_runtime.tables.versions.before import before, recalled
from modelyard_runtime.tables.versions.behind import Behind
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
    task = task.model_copy(update={"previous": recalled(store, task.previous)})
    spec = task.spec
    opened = open_source(task, store, root, Keys(credentials))
    if isinstance(opened, LookResult):
        return opened
    reading = opened.reading
    check_columns(reading.names, spec)
    typing, progress = Typing(reading, spec, task.previous), Progress.of(task, reading.size)

    def begun() -> NewVersion:
        return _begun(typing, opened, task, store)

    version = _read(reading, typing, begun, progress) or _read(reading, typing, begun, progress)
    assert version is not None, "types are final after the first reading"
    try:
        check_rows(version.seen, spec)
        violations = typing.violations()
        story = Story(task.subject.name, before(store, task.previous), [*reading.doubts, *typing.doubts()])
        fields = version.end(store, task.base_uri, typing.columns(), story, violations)
    finally:
        version.close()
    result = IngestResult(**fields, missing=list(reading.missing))
    store.put_json_first(f"{result.uri}/{RESULT_JSON}", result.wire())
    return result.model_copy(update=opened.kept(store, task))


def _begun(typing: Typing, opened: Opened, task: IngestTask, store: ArtifactStore) -> NewVersion:
    """Returns a version of the types that are guessed now, with the rows that come before those of the source."""
    version = NewVersion(typing.arrow, task.spec)
    name = task.previous.name if task.previous is not None else ""
    try:
        for rows in opened.before(store, version.schema):
            version.add(numbered(rows, version.seen + 1, name))
    except BaseException:
        version.close()
        raise
    return version


def _read(reading: Reading, typing: Typing, begun: Callable[[], NewVersion], progress: Progress) -> NewVersion | None:
    """Reads all rows; returns None if the types that were guessed first turned out to be wrong. Raises UserError."""
    version: Behind | None = None
    read, is_done = 0, False
    try:
        for batch in reading.batches():
            rows = typing.typed(batch)
            if rows is not None:
                version = version or Behind(begun())
                version.add(numbered(rows, batch.first_row, batch.file, typing.encoded()))
            elif version is not None:
                version.give_up()
                version = None
            read += batch.rows.num_rows
            progress.at(read, batch.done)
        if typing.settled():
            whole = version.end() if version is not None else begun()
            is_done = True
            return whole
        say("some values are not of the types that were guessed: reading once more")
        progress.again()
        return None
    finally:
        if version is not None and not is_done:
            version.give_up()
