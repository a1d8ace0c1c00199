"""What a model was made from."""

from __future__ import annotations

from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.wire.task import TrainTask


def source_digest(task: TrainTask) -> str:
    """Of all that makes the model but data and image: the trainer as it was written, the seed, the task."""
    return sha256(canonical({"trainer": task.trainer.wire(), "seed": task.seed, "task": task.task}))
