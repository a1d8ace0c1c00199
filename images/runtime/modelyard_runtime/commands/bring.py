"""``bring``: brings the data of a workspace from the artifact store, before its server starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.wire.task import DATA_FOLDER, BringTask, Table
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore


def bring(task: BringTask, store: ArtifactStore, folder: Path = Path(DATA_FOLDER)) -> None:
    """Writes the files of each version. Raises UserError if the store has none of it, or other bytes.

    A version appears whole or not at all: its folder gets its name last, and one that has it is not brought again.
    """
    for table in task.tables:
        target = folder / table.dataset / table.version
        if target.exists():
            continue
        part = folder / table.dataset / f".{table.version}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, digest in _files(table).items():
            store.fetch(f"{table.uri}/{name}", part / name, digest)
        part.rename(target)
        checked = "its digests are right" if table.files else "it is too old to have digests of its files"
        say(f"{table.version} lies in {target}; {checked}")


def _files(table: Table) -> dict[str, str | None]:
    """Returns the names of the files with their digests, which versions made before they were kept don't have."""
    return {file.name: file.digest for file in table.files} or {TRAIN_PARQUET: None, TEST_PARQUET: None}
