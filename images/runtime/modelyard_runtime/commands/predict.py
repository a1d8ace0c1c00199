"""``predict``: scores all rows of a version, a few at a time, and makes a version of another Dataset of the answers."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelyard_api.fields.artifact import RESULT_JSON, TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.kinds.datasetversion import VersionColumn
from modelyard_api.wire.result import PredictResult
from modelyard_api.wire.task import PredictTask
from modelyard_runtime.models import package
from modelyard_runtime.models.answers import Answers
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.files import batches
from modelyard_runtime.tables.versions.before import before, recalled
from modelyard_runtime.tables.versions.chunk import numbered
from modelyard_runtime.tables.versions.version import NewVersion, Story

_FIELD = "spec.output.datasetRef"


def predict(task: PredictTask, store: ArtifactStore) -> PredictResult:
    """Fetches and checks the model, scores the rows, and writes the answers. Raises UserError."""
    manifest, session, size = package.read(store, task.artifact_uri, task.artifact_digest)
    package.check_example(manifest, session)
    say(f"{task.model_version}: digests hold, {size} bytes, and it answers its example")
    with tempfile.TemporaryDirectory() as folder:
        return _scored(task, store, Answers(task, session), Path(folder))


def _scored(task: PredictTask, store: ArtifactStore, answers: Answers, folder: Path) -> PredictResult:
    started = time.monotonic()
    version = _version(answers, task)
    try:
        for part in (TRAIN_PARQUET, TEST_PARQUET):
            store.fetch(f"{task.data.uri}/{part}", folder / part)
            for batch in batches(folder / part, answers.needed):
                version.add(numbered(answers.of(batch), version.seen + 1))
        rate = answers.read / max(time.monotonic() - started, 1e-3)
        say(f"scored {answers.read - answers.bad} rows, {rate:.0f} a second; {answers.bad} can't be scored")
        if not version.rows:
            message = f"no row of {task.data.name} is left to push: {answers.why or 'it has none'}; bring others"
            raise UserError("EmptyTable", message, "spec.datasetRef")
        fields = _ended(version, store, task, answers)
    finally:
        version.close()
    result = PredictResult(
        **fields,
        split=task.output.split,
        bad_rows=answers.bad,
        bad_examples=answers.examples,
        rows_per_second=int(rate),
        ended_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        dataset_version=task.data.name,
        model_version=task.model_version,
        image=task.image,
    )
    store.put_json_first(f"{result.uri}/{RESULT_JSON}", result.wire())
    return result


def _version(answers: Answers, task: PredictTask) -> NewVersion:
    try:
        return NewVersion(answers.schema, task.output)
    except UserError as error:
        raise _unfitting(error) from error


def _ended(version: NewVersion, store: ArtifactStore, task: PredictTask, answers: Answers) -> dict[str, Any]:
    columns = [
        VersionColumn(name=name, type=kind.type, format=kind.format, time_zone=kind.zone)
        for name, kind in answers.kinds.items()
    ]
    try:
        story = Story(task.dataset, before(store, recalled(store, task.previous)))
        return version.end(store, task.base_uri, columns, story)
    except UserError as error:
        raise _unfitting(error) from error


def _unfitting(error: UserError) -> UserError:
    return UserError(error.reason, f"the answers don't fit the Dataset: {error.message}", _FIELD)
