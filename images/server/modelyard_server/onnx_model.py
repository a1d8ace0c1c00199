"""A model in ONNX format, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from modelyard_models.onnx_model import OnnxModel
from modelyard_models.onnx_session import TENSOR_INPUT
from modelyard_server.example import line
from modelyard_server.manifest import Manifest, ModelError
from modelyard_server.protocol import Inference


class OnnxServed:
    """A Model in ONNX format."""

    def __init__(self, manifest: Manifest, model: OnnxModel) -> None:
        self.manifest = manifest
        self._model = model
        self.seconds_a_row = self.seconds_a_call = 0.0

    def predict(self, request: Inference) -> list[NDArray[Any]]:
        return self._model.answer(request.columns, request.matrix, request.outputs)


def load_onnx(manifest: Manifest, data: bytes, path: Path, threads: int) -> OnnxServed:
    """Loads the model. Raises ModelError if onnxruntime can't load it, or its names differ from the manifest's."""
    try:
        model = OnnxModel(data, manifest.layout, manifest.file_names, threads)
    except Exception as error:
        raise ModelError(f"{path} is not a model onnxruntime can load: {line(error)}") from error
    _check_names(manifest, model.session)
    return OnnxServed(manifest, model)


def _check_names(manifest: Manifest, session: Any) -> None:
    if manifest.layout == "Tensor" and manifest.takes_texts:
        raise ModelError("its manifest says layout Tensor, which holds numbers only, and names inputs of texts")
    expected = {TENSOR_INPUT} if manifest.layout == "Tensor" else set(manifest.file_names)
    inputs = {item.name for item in session.get_inputs()}
    if inputs != expected:
        raise ModelError(f"the model's inputs are {sorted(inputs)}, its manifest says {sorted(expected)}")
    missing = {output.name for output in manifest.outputs} - {item.name for item in session.get_outputs()}
    if missing:
        raise ModelError(f"the model has no output {sorted(missing)}, which its manifest names")
