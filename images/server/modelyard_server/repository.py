"""A repository of models on disk: ``NAME/VERSION/model.json`` and the file that it names, for each model."""

from __future__ import annotations

import re
from pathlib import Path

from modelyard_server import manifest as manifests
from modelyard_server.manifest import MODEL_JSON, ModelError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
BASE_BYTES = 256 * 1024
BYTES_A_BYTE = 8
"""Memory of a loaded model: a linear one of 550 bytes was measured at 150 KiB, a forest at 6.5 times its file."""


def scan(folder: Path) -> dict[str, dict[str, Path]]:
    """Name -> version -> folder, of all that lies there; what has other names is no model. Raises ModelError."""
    found: dict[str, dict[str, Path]] = {}
    try:
        names = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())
        for path in names:
            versions = {
                item.name: item
                for item in path.iterdir()
                if _VERSION.fullmatch(item.name) and (item / MODEL_JSON).is_file()
            }
            if versions:
                found[path.name] = dict(sorted(versions.items(), key=lambda item: int(item[0])))
    except OSError as error:
        raise ModelError(f"cannot read the repository {folder}: {error.strerror}") from error
    return found


def cost(folder: Path) -> int:
    """The bytes of memory that the model in this folder is charged with. Raises ModelError."""
    path = folder / manifests.read(folder).file
    try:
        return BASE_BYTES + BYTES_A_BYTE * path.stat().st_size
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
