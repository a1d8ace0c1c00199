"""The example that is stored with a model: the same rows must have the same answers here."""

from __future__ import annotations

import time
from typing import Any

from numpy.typing import NDArray

from modelyard_models.tolerance import difference
from modelyard_server.manifest import NUMBER, Manifest, ModelError, Output
from modelyard_server.model import Model
from modelyard_server.protocol import Inference, assemble
from modelyard_server.tensors import BadRequest, check_numbers, check_texts


def check_example(model: Model) -> None:
    """Predicts the manifest's example, and notes how long that takes. Raises ModelError when an answer is not the
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
    for output, found in zip(request.outputs, arrays, strict=True):
        _compare(output, model.manifest.example_outputs.get(output.name), found)


def as_request(manifest: Manifest) -> Inference:
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
    if said := difference(output.name, found, stored):
        raise ModelError(said)


def line(error: Exception) -> str:
    """What an exception says, on one line."""
    return " ".join(str(error).split())[:400] or type(error).__name__
