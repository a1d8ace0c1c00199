"""A model that ONNX can't represent, run by scikit-learn. Imported only if there is such a model to serve."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from modelyard_server.manifest import Manifest, ModelError
from modelyard_server.protocol import Inference


class SkopsServed:
    """A Model in skops' format."""

    def __init__(self, manifest: Manifest, model: Any) -> None:
        self.manifest = manifest
        self._model = model
        self.seconds_a_row = self.seconds_a_call = 0.0

    def predict(self, request: Inference) -> list[NDArray[Any]]:
        answers: list[NDArray[Any]] = self._model.answer(request.columns, request.matrix, request.outputs)
        return answers


def load_skops(manifest: Manifest, data: bytes, path: Path, threads: int) -> SkopsServed:
    """Loads the model. Raises ModelError, which names the type, if the file holds a type that is never loaded."""
    # scikit-learn's native libraries read these variables when they are imported, on the next line.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    from modelyard_models.skops_model import NotAllowed, SkopsModel

    try:
        model = SkopsModel(data, manifest.file_names)
    except NotAllowed as error:
        raise ModelError(f"{path} is not served: {error}") from error
    return SkopsServed(manifest, model)
