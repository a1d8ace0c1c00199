"""Puts a file where it belongs in the store, unless other bytes lie there already."""

from __future__ import annotations

import filecmp
import os
import tempfile
from pathlib import Path
from typing import Any

from modelyard_tracking.answers import Refused

TRIES = 3
"""A folder that somebody deletes meanwhile is made again."""


def publish(repository: Any, path: str, file: Path, replace: bool) -> bool:
    """Returns whether it is new there; the same bytes may be put again. Raises Refused if other bytes, or a folder, are
    at ``path``."""
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    if isinstance(repository, LocalArtifactRepository):
        return _to_files(Path(repository.artifact_dir) / path, path, file, replace)
    return _to_others(repository, path, file, replace)


def _to_files(target: Path, path: str, file: Path, replace: bool) -> bool:
    """Makes the name in one step, which fails if there is one: of two processes that put other bytes one gets 409."""
    for last in [False] * (TRIES - 1) + [True]:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if replace:
                os.replace(file, target)
            else:
                os.link(file, target)
            return True
        except FileNotFoundError:
            if last:
                raise
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            if not (target.is_file() and filecmp.cmp(file, target, shallow=False)):
                raise _exists(path) from None
            return False
    raise AssertionError("unreachable")


def _to_others(repository: Any, path: str, file: Path, replace: bool) -> bool:
    """Looks first, then writes. Of several replicas of the server two can look at the same time."""
    folder = path.rpartition("/")[0]
    there = [] if replace else [info for info in repository.list_artifacts(folder) if info.path == path]
    if not there:
        repository.log_artifact(str(file), artifact_path=folder)
        return True
    if there[0].is_dir or there[0].file_size != file.stat().st_size:
        raise _exists(path)
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        if not filecmp.cmp(file, repository.download_artifacts(path, scratch), shallow=False):
            raise _exists(path)
    return False


def _exists(path: str) -> Refused:
    return Refused(409, f"{path} holds other bytes, and what is stored is never changed; write to another path")
