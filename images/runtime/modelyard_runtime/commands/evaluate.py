"""``evaluate``: verifies an artifact, checks its answers to its own example, and scores it on held-out rows; a champion
beside the challenger that may follow it."""

from __future__ import annotations

from modelyard_api.fields.artifact import ModelManifest
from modelyard_api.fields.metrics import Task
from modelyard_api.wire.result import EvaluateResult
from modelyard_api.wire.task import Challenger, EvaluateTask
from modelyard_runtime.models import package
from modelyard_runtime.models.held_out import score, score_table
from modelyard_runtime.models.session import Session
from modelyard_runtime.models.versus import fair_rows
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore


def evaluate(task: EvaluateTask, store: ArtifactStore) -> EvaluateResult:
    """Verifies and scores the artifact. Raises UserError if it is not what it claims, or doesn't fit the data."""
    manifest, session, size = package.read(store, task.artifact_uri, task.artifact_digest)
    say(f"{manifest.file}: digests hold, {size} bytes")
    package.check_example(manifest, session)
    kind = Task(task.task)
    if Task(manifest.task) != kind:
        message = f"the artifact is for {manifest.task}, the Model is of task {kind}; name another Model or artifact"
        raise UserError("TaskMismatch", message)
    if task.challenger is not None:
        return _compare(task, task.challenger, store, manifest, session, size)
    metrics = score(session, store, task.data, kind)
    return EvaluateResult(
        artifact_digest=task.artifact_digest,
        artifact_bytes=size,
        artifact_format=manifest.format,
        signature=manifest.signature,
        metrics=metrics,
    )


def _compare(
    task: EvaluateTask,
    challenger: Challenger,
    store: ArtifactStore,
    manifest: ModelManifest,
    session: Session,
    size: int,
) -> EvaluateResult:
    _, other, _ = package.read(store, challenger.artifact_uri, challenger.artifact_digest)
    kind = Task(task.task)
    rows = fair_rows(store, task.data, task.trained_on, session.intake, kind)
    say(f"scoring champion and challenger on {len(rows.target)} held-out rows of {task.data.name}")
    return EvaluateResult(
        artifact_digest=task.artifact_digest,
        artifact_bytes=size,
        artifact_format=manifest.format,
        signature=manifest.signature,
        metrics=score_table(session, rows, kind),
        challenger_metrics=score_table(other, rows, kind),
        rows=len(rows.target),
    )
