"""A model in ONNX format, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from modelyard_models.onnx_session import TENSOR_INPUT, ask, open_session
from modelyard_server.example import line
from modelyard_server.manifest import Manifest, ModelError
from modelyard_server.protocol import Inference


class OnnxModel:
    """A Model in ONNX format."""

    def __init__(self, manifest: Manifest, session: Any) -> None:
        self.manifest = manifest
        self._session = session
        self._tensor = manifest.layout == "Tensor"
        self._names = [column.name for column in manifest.inputs]
        self.seconds_a_row = self.seconds_a_call = 0.0

    def predict(self, request: Inference) -> list[NDArray[Any]]:
        return ask(self._session, self._feeds(request), request.outputs)

    def _feeds(self, request: Inference) -> dict[str, NDArray[Any]]:
        columns, matrix = request.columns, request.matrix
        if columns is not None:
            return {name: column.reshape(-1, 1) for name, column in columns.items()}
        assert matrix is not None
        if self._tensor:
            return {TENSOR_INPUT: matrix}
        return {name: matrix[:, index : index + 1] for index, name in enumerate(self._names)}


def load_onnx(manifest: Manifest, data: bytes, path: Path, threads: int) -> OnnxModel:
    """Loads the model. Raises ModelError if onnxruntime can't load it, or its names differ from the manifest's."""
    try:
        session = open_session(data, threads)
    except Exception as error:
        raise ModelError(f"{path} is not a model onnxruntime can load: {line(error)}") from error
    _check_names(manifest, session)
    return OnnxModel(manifest, session)


def _check_names(manifest: Manifest, session: Any) -> None:
    if manifest.layout == "Tensor" and not manifest.numeric:
        raise ModelError("its manifest says layout Tensor, which holds numbers only, and names inputs of texts")
    expected = {TENSOR_INPUT} if manifest.layout == "Tensor" else {column.name for column in manifest.inputs}
    inputs = {item.name for item in session.get_inputs()}
    if inputs != expected:
        raise ModelError(f"the model's inputs are {sorted(inputs)}, its manifest says {sorted(expected)}")
    missing = {output.name for output in manifest.outputs} - {item.name for item in session.get_outputs()}
    if missing:
        raise ModelError(f"the model has no output {sorted(missing)}, which its manifest names")
