"""A repository of models on disk: each has ``NAME/VERSION/model.json`` and, beside it, the file that it names."""

from __future__ import annotations

import re
from pathlib import Path

from modelyard_server import manifest as manifests
from modelyard_server.manifest import MODEL_JSON, ModelError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
BASE_BYTES = 256 * 1024
BYTES_A_BYTE = 8
"""A loaded model takes about BASE_BYTES plus this many bytes per byte of its file. Measured: a linear model of 550
bytes takes 150 KiB, a forest 6.5 times its file."""


def scan(folder: Path) -> dict[str, dict[str, Path]]:
    """Returns name -> version -> folder of the models in ``folder``, ignoring paths whose names don't fit.

    Raises ModelError if it can't be read.
    """
    models: dict[str, dict[str, Path]] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())
        for path in paths:
            versions = {
                item.name: item
                for item in path.iterdir()
                if _VERSION.fullmatch(item.name) and (item / MODEL_JSON).is_file()
            }
            if versions:
                models[path.name] = dict(sorted(versions.items(), key=lambda item: int(item[0])))
    except OSError as error:
        raise ModelError(f"cannot read the repository {folder}: {error.strerror}") from error
    return models


def cost(folder: Path) -> int:
    """Returns the bytes of memory to reserve for the model in this folder. Raises ModelError."""
    path = folder / manifests.read(folder).file
    try:
        return BASE_BYTES + BYTES_A_BYTE * path.stat().st_size
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
