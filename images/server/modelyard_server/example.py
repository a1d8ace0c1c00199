"""The example that is stored with a model: the same rows must have the same answers here."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_server.manifest import NUMBER, Manifest, ModelError, Output
from modelyard_server.model import Model
from modelyard_server.protocol import Inference, assemble
from modelyard_server.tensors import BadRequest, check_numbers, check_texts

RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""How far an answer may be from the stored one: the tolerance the model was accepted with."""


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
    answers = found.tolist()
    if output.datatype == NUMBER:
        wanted = np.array(stored, dtype=np.float64)
        same = wanted.size == found.size and np.allclose(
            found.reshape(wanted.shape), wanted, rtol=RELATIVE, atol=_floor(wanted), equal_nan=True
        )
    else:
        same = answers == stored
    if not same:
        row = next((i for i, pair in enumerate(zip(answers, stored, strict=False)) if pair[0] != pair[1]), 0)
        raise ModelError(
            f"the model does not answer its own example as it was stored: output {output.name!r}, row {row}: "
            f"{str(answers[row : row + 1])[:100]} instead of {str(stored[row : row + 1])[:100]}"
        )


def _floor(wanted: NDArray[np.float64]) -> float:
    """The absolute difference that rounding explains: single precision, at the scale of the greatest answer."""
    finite = np.abs(wanted[np.isfinite(wanted)])
    return ABSOLUTE * max(1.0, float(finite.max(initial=0.0)))


def line(error: Exception) -> str:
    """What an exception says, on one line."""
    return " ".join(str(error).split())[:400] or type(error).__name__
