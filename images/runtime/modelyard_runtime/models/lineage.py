"""Digests what a model was trained from."""

from __future__ import annotations

from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.wire.task import TrainTask


def source_digest(task: TrainTask) -> str:
    """Returns the digest of everything that determines the model except data and image: the trainer as written, its
    files, the seed and the task."""
    files = {"files": task.script_files} if task.script_files else {}
    return sha256(canonical({"trainer": task.trainer.wire(), "seed": task.seed, "task": task.task, **files}))
