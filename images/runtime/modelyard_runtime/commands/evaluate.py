"""``evaluate``: verifies an artifact, checks its answers to its own example, and scores it on held-out rows."""

from __future__ import annotations

from modelyard_api.fields.metrics import Task
from modelyard_api.wire.result import EvaluateResult
from modelyard_api.wire.task import EvaluateTask
from modelyard_runtime.models import package
from modelyard_runtime.models.held_out import score
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
    metrics = score(session, store, task.data, kind)
    return EvaluateResult(
        artifact_digest=task.artifact_digest,
        artifact_bytes=size,
        artifact_format=manifest.format,
        signature=manifest.signature,
        metrics=metrics,
    )
