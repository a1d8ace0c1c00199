"""Loads a model in the format that its manifest names, and checks it against its own example."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from modelyard_server import manifest as manifests
from modelyard_server.example import check_example
from modelyard_server.manifest import Manifest, ModelError
from modelyard_server.model import Model
from modelyard_server.onnx_model import load_onnx


def load(folder: Path, threads: int = 1) -> Model:
    """Loads the model in ``folder`` and checks it against its own example. Raises ModelError with a message for people.

    ``threads`` is the number of threads that share one prediction; 1 is the fastest for the usual small models and
    requests, and leaves no spinning threads on a shared core.
    """
    manifest = manifests.read(folder)
    _check_zones(manifest)
    path = folder / manifest.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    digest = manifests.sha256(data)
    if digest != manifest.file_digest:
        raise ModelError(f"{path} has digest {digest}, {manifests.MODEL_JSON} says {manifest.file_digest}")
    model: Model
    if manifest.format == "Skops":
        # Import only now: scikit-learn takes seconds and 100 MB, which ONNX models do without.
        from modelyard_server.skops_model import load_skops

        model = load_skops(manifest, data, path, threads)
    else:
        model = load_onnx(manifest, data, path, threads)
    check_example(model)
    return model


def _check_zones(manifest: Manifest) -> None:
    for column in manifest.instants:
        if column.time_zone is not None:
            try:
                ZoneInfo(column.time_zone)
            except (KeyError, OSError, ValueError) as error:
                raise ModelError(f"input {column.name!r}: time zone {column.time_zone!r} is not known here") from error
