"""The ONNX model: loaded, held against its own example, asked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from modelyard_server import manifest as manifests
from modelyard_server.manifest import NUMBER, Manifest, ModelError, Output
from modelyard_server.protocol import Inference, assemble
from modelyard_server.tensors import BadRequest, check_numbers, check_texts

TENSOR_INPUT = "input"
RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""How far an answer may be from the stored one: the tolerance the model was accepted with."""


class OnnxModel:
    """A loaded model. ``predict`` may be called from several threads at once."""

    def __init__(self, manifest: Manifest, session: onnxruntime.InferenceSession) -> None:
        self.manifest = manifest
        self._session = session
        self._tensor = manifest.layout == "Tensor"
        self._names = [column.name for column in manifest.inputs]
        self.seconds_a_row = 0.0
        """Measured with the example, as a batch: what a large request costs."""
        self.seconds_a_call = 0.0

    def predict(self, request: Inference) -> list[NDArray[Any]]:
        """The outputs asked for, in the order and the shapes of the signature."""
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

    def check_example(self) -> None:
        """Predicts the manifest's example. Raises ModelError when an answer is not the stored one."""
        request = _example(self.manifest)
        try:
            arrays = self.predict(request)
            started = time.perf_counter()
            self.predict(request)
            self.seconds_a_call = time.perf_counter() - started
            self.seconds_a_row = self.seconds_a_call / request.rows
        except Exception as error:  # onnxruntime raises classes of its own for each code
            raise ModelError(f"the model fails on its own example: {_line(error)}") from error
        for output, found in zip(request.outputs, arrays, strict=True):
            _compare(output, self.manifest.example_outputs.get(output.name), found)


def load(folder: Path, threads: int = 1) -> OnnxModel:
    """Loads and checks the model in ``folder``. Raises ModelError with a message for people.

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
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path} is not a model onnxruntime can load: {_line(error)}") from error
    _check_names(manifest, session)
    model = OnnxModel(manifest, session)
    model.check_example()
    return model


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


def _example(manifest: Manifest) -> Inference:
    """The example as a request, through the same conversions as any other."""
    values = manifest.example_inputs
    for column in manifest.inputs:
        if not values.get(column.name):
            raise ModelError(f"the example has no values for input {column.name!r}")
    lengths = {len(values[column.name]) for column in manifest.inputs}
    if len(lengths) != 1:
        raise ModelError(f"the example's inputs differ in length: {sorted(lengths)}")
    try:
        for column in manifest.inputs:
            check = check_numbers if column.datatype == NUMBER else check_texts
            check(column.name, column.datatype, values[column.name])
        return assemble("example", manifest.outputs, values, manifest)
    except BadRequest as error:
        raise ModelError(f"the example's {error}") from error


def _compare(output: Output, stored: list[Any] | None, found: NDArray[Any]) -> None:
    if not stored:
        raise ModelError(f"the example has no answers for output {output.name!r}")
    answers = found.tolist()
    if output.datatype == NUMBER:
        wanted = np.array(stored, dtype=np.float64)
        same = wanted.size == found.size and np.allclose(
            found.reshape(wanted.shape), wanted, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True
        )
    else:
        same = answers == stored
    if not same:
        row = next((i for i, pair in enumerate(zip(answers, stored, strict=False)) if pair[0] != pair[1]), 0)
        raise ModelError(
            f"the model does not answer its own example as it was stored: output {output.name!r}, row {row}: "
            f"{str(answers[row : row + 1])[:100]} instead of {str(stored[row : row + 1])[:100]}"
        )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:400] or type(error).__name__
