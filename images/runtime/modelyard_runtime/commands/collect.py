"""``collect``: checks, scores and keeps the outputs of a container of the user's own after it has ended."""

from __future__ import annotations

from pathlib import Path

from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import OUT_FOLDER, TrainTask
from modelyard_runtime.models import collected
from modelyard_runtime.pod.store import ArtifactStore


def collect(task: TrainTask, store: ArtifactStore, folder: Path = Path(OUT_FOLDER)) -> TrainResult:
    """Checks, scores and keeps the model that the container wrote. Raises UserError if it can't be served."""
    return collected.keep(task, store, folder)
