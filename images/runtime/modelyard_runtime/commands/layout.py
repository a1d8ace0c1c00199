"""``lay-out``: writes the inputs of a container of the user's own, before it starts."""

from __future__ import annotations

from pathlib import Path

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET, canonical
from modelyard_api.wire.task import IN_FOLDER, TrainTask
from modelyard_runtime.pod.outcome import supersede
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore


def lay_out(task: TrainTask, store: ArtifactStore, folder: Path = Path(IN_FOLDER)) -> None:
    """Writes train.parquet, test.parquet and task.json.

    Takes the result of an earlier pod back.
    """
    supersede(task, store)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (TRAIN_PARQUET, TEST_PARQUET):
        (folder / name).write_bytes(store.read(f"{task.data.uri}/{name}"))
    (folder / "task.json").write_bytes(canonical(task.wire()))
    say(f"{task.data.name} lies in {folder}")
