"""A model: loaded in the form that its manifest names, held against its own example, asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import onnxruntime
from numpy.typing import NDArray

from modelyard_server import manifest as manifests
from modelyard_server.example import check_example, line
from modelyard_server.manifest import Manifest, ModelError, Output
from modelyard_server.protocol import Inference

TENSOR_INPUT = "input"


class Model(Protocol):
    """A loaded model. ``predict`` may be called from several threads at once."""

    manifest: Manifest
    seconds_a_row: float
    """Measured with the example, as a batch: what a large request costs."""
    seconds_a_call: float

    def predict(self, request: Inference) -> list[NDArray[Any]]:
        """The outputs asked for, in the order and the shapes of the signature."""
        ...


class OnnxModel:
    """A Model that onnxruntime answers for."""

    def __init__(self, manifest: Manifest, session: onnxruntime.InferenceSession) -> None:
        self.manifest = manifest
        self._session = session
        self._tensor = manifest.layout == "Tensor"
        self._names = [column.name for column in manifest.inputs]
        self.seconds_a_row = self.seconds_a_call = 0.0

    def predict(self, request: Inference) -> list[NDArray[Any]]:
        return self._run(self._feeds(request), request.outputs)

    def _feeds(self, request: Inference) -> dict[str, NDArray[Any]]:
        columns, matrix = request.columns, request.matrix
        if columns is not None:
            return {name: column.reshape(-1, 1) for name, column in columns.items()}
        assert matrix is not None
        if self._tensor:
            return {TENSOR_INPUT: matrix}
        return {name: matrix[:, index : index + 1] for index, name in enumerate(self._names)}

    def _run(self, feeds: dict[str, NDArray[Any]], outputs: tuple[Output, ...]) -> list[NDArray[Any]]:
        arrays = self._session.run([output.name for output in outputs], feeds)
        return [
            array if array.ndim == len(output.shape) else array.reshape(output.shape)
            for output, array in zip(outputs, arrays, strict=True)
        ]


def load(folder: Path, threads: int = 1) -> Model:
    """Loads the model in ``folder``, and holds it against its own example. Raises ModelError with a message for people.

    ``threads`` is the number one prediction is spread over; 1 is the quickest for the small models and requests
    that are usual, and leaves no spinning threads on a shared core.
    """
    manifest = manifests.read(folder)
    path = folder / manifest.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    found = manifests.sha256(data)
    if found != manifest.file_digest:
        raise ModelError(f"{path} has digest {found}, {manifests.MODEL_JSON} says {manifest.file_digest}")
    model: Model
    if manifest.format == "Skops":
        # Here, since scikit-learn takes seconds and a hundred megabytes, which no ONNX model needs.
        from modelyard_server.skops_model import load_skops

        model = load_skops(manifest, data, path, threads)
    else:
        model = _load_onnx(manifest, data, path, threads)
    check_example(model)
    return model


def _load_onnx(manifest: Manifest, data: bytes, path: Path, threads: int) -> OnnxModel:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path} is not a model onnxruntime can load: {line(error)}") from error
    _check_names(manifest, session)
    return OnnxModel(manifest, session)


def _check_names(manifest: Manifest, session: onnxruntime.InferenceSession) -> None:
    if manifest.layout == "Tensor" and not manifest.numeric:
        raise ModelError("its manifest says layout Tensor, which holds numbers only, and names inputs of texts")
    inputs = {TENSOR_INPUT} if manifest.layout == "Tensor" else {column.name for column in manifest.inputs}
    found = {item.name for item in session.get_inputs()}
    if inputs != found:
        raise ModelError(f"the model's inputs are {sorted(found)}, its manifest says {sorted(inputs)}")
    missing = {output.name for output in manifest.outputs} - {item.name for item in session.get_outputs()}
    if missing:
        raise ModelError(f"the model has no output {sorted(missing)}, which its manifest names")
