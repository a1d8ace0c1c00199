"""Checks a model against its stored example: the same rows must get the same answers in this server."""

from __future__ import annotations

import time
from typing import Any

from numpy.typing import NDArray

from modelyard_models.tolerance import difference
from modelyard_server.manifest import Manifest, ModelError, Output
from modelyard_server.model import Model
from modelyard_server.protocol import Inference, assemble
from modelyard_server.tensors import BadRequest
from modelyard_server.typed import check


def check_example(model: Model) -> None:
    """Predicts the manifest's example and measures the time it takes. Raises ModelError if an answer differs from the
    stored one."""
    request = as_request(model.manifest)
    try:
        arrays = model.predict(request)
        started = time.perf_counter()
        model.predict(request)
        model.seconds_a_call = time.perf_counter() - started
        model.seconds_a_row = model.seconds_a_call / request.rows
    except Exception as error:  # onnxruntime raises classes of its own for each code
        raise ModelError(f"the model fails on its own example: {line(error)}") from error
    for output, answers in zip(request.outputs, arrays, strict=True):
        _compare(output, model.manifest.example_outputs.get(output.name), answers)


def as_request(manifest: Manifest) -> Inference:
    """Returns the example as a request, built by the same conversions as any other. Raises ModelError."""
    values: dict[str, Any] = dict(manifest.example_inputs)
    for column in manifest.inputs:
        if not values.get(column.name):
            raise ModelError(f"the example has no values for input {column.name!r}")
    lengths = {len(values[column.name]) for column in manifest.inputs}
    if len(lengths) != 1:
        raise ModelError(f"the example's inputs differ in length: {sorted(lengths)}")
    try:
        for column in manifest.inputs:
            values[column.name] = check(column, column.datatype, values[column.name], manifest)
        return assemble("example", manifest.outputs, values, manifest)
    except BadRequest as error:
        raise ModelError(f"the example's {error}") from error


def _compare(output: Output, stored: list[Any] | None, answers: NDArray[Any]) -> None:
    if not stored:
        raise ModelError(f"the example has no answers for output {output.name!r}")
    if message := difference(output.name, answers, stored):
        raise ModelError(message)


def line(error: Exception) -> str:
    """Returns an exception's message on one line of at most 400 characters."""
    return " ".join(str(error).split())[:400] or type(error).__name__
