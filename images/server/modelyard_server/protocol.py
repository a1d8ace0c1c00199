"""The Open Inference Protocol V2 in JSON: requests to arrays, answers to bytes. Pure.

Inputs come one a column, or, when all are numbers, as one tensor [rows, columns] in the model's order, of any name.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from modelyard_server.manifest import NUMBER, Manifest, Output
from modelyard_server.tensors import BadRequest, check_numbers, check_shape, check_texts, flat, numbers, shown, texts

MAX_ID = 256
"""Characters of a request's id: it is the prediction id that labels are joined on later."""
_BINARY = "the binary data extension is not supported yet: send the data as JSON"
_LISTED = 20


@dataclass(slots=True)
class Inference:
    """A checked request: ``matrix`` [rows, inputs] where all inputs are numbers, else ``columns``, [rows] each."""

    id: str
    rows: int
    outputs: tuple[Output, ...]
    columns: dict[str, NDArray[Any]] | None = None
    matrix: NDArray[np.float32] | None = None


def parse(body: bytes, manifest: Manifest) -> Inference:
    """Reads the body of an infer request. Raises BadRequest that names the field and says what is allowed."""
    document = _document(body)
    identity = document.get("id")
    if identity is None:
        identity = uuid.uuid4().hex
    elif type(identity) is not str or not 1 <= len(identity) <= MAX_ID:
        raise BadRequest(f"id {shown(identity)} is not a text of 1 to {MAX_ID} characters")
    parameters = document.get("parameters")
    if type(parameters) is dict and parameters.get("binary_data_output"):
        raise BadRequest(f"parameters.binary_data_output: {_BINARY}")
    outputs = _outputs(document.get("outputs"), manifest)
    inputs = _inputs(document.get("inputs"), manifest)
    if len(inputs) == 1 and manifest.numeric:
        ((name, tensor),) = inputs.items()
        shape = check_shape(name, tensor.get("shape"))
        if len(shape) == 2 and (shape[1] > 1 or all(name != column.name for column in manifest.inputs)):
            return Inference(identity, shape[0], outputs, matrix=_matrix(name, tensor, shape, manifest))
    return assemble(identity, outputs, _columns(inputs, manifest), manifest)


def assemble(identity: str, outputs: tuple[Output, ...], values: dict[str, list[Any]], manifest: Manifest) -> Inference:
    """A request of checked columns: every input of the model, all of one length. Raises BadRequest."""
    rows = len(next(iter(values.values())))
    if manifest.numeric:
        matrix = np.ascontiguousarray(numbers({name: values[name] for name in manifest.number_names}).T)
        return Inference(identity, rows, outputs, matrix=matrix)
    columns: dict[str, NDArray[Any]] = {name: texts(values[name]) for name in manifest.text_names}
    if manifest.number_names:
        columns.update(
            zip(manifest.number_names, numbers({name: values[name] for name in manifest.number_names}), strict=True)
        )
    return Inference(identity, rows, outputs, columns=columns)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        hint = "; a missing number is null, JSON has no NaN" if b"NaN" in body else ""
        raise BadRequest(f"the body is not JSON: {error}{hint}") from None
    if type(document) is not dict:
        raise BadRequest('the body is not a JSON object with "inputs"')
    return document


def _outputs(wanted: Any, manifest: Manifest) -> tuple[Output, ...]:
    if wanted is None or wanted == []:
        return manifest.outputs
    if type(wanted) is not list:
        raise BadRequest('outputs must be an array of objects with "name"')
    known = {output.name: output for output in manifest.outputs}
    chosen: dict[str, Output] = {}
    for index, item in enumerate(wanted):
        name = item.get("name") if type(item) is dict else None
        if type(name) is not str or name not in known:
            raise BadRequest(f"outputs[{index}]: unknown output {shown(name)}: the model has {', '.join(known)}")
        if name in chosen:
            raise BadRequest(f"outputs[{index}]: {name!r} is asked for twice")
        parameters = item.get("parameters")
        if type(parameters) is dict and parameters.get("binary_data"):
            raise BadRequest(f"outputs[{index}].parameters.binary_data: {_BINARY}")
        chosen[name] = known[name]
    return tuple(chosen.values())


def _inputs(inputs: Any, manifest: Manifest) -> dict[str, dict[str, Any]]:
    if type(inputs) is not list or not inputs:
        raise BadRequest(f"inputs must be an array of tensors: {_allowed(manifest)}")
    named: dict[str, dict[str, Any]] = {}
    for index, tensor in enumerate(inputs):
        name = tensor.get("name") if type(tensor) is dict else None
        if type(name) is not str:
            raise BadRequest(f"inputs[{index}] is not an object with a name, shape, datatype and data")
        if name in named:
            raise BadRequest(f"inputs[{index}]: {name!r} is given twice")
        parameters = tensor.get("parameters")
        if type(parameters) is dict and "binary_data_size" in parameters:
            raise BadRequest(f"input {name!r}: parameters.binary_data_size: {_BINARY}")
        if "data" not in tensor:
            raise BadRequest(f"input {name!r}: data is missing")
        named[name] = tensor
    return named


def _matrix(name: str, tensor: dict[str, Any], shape: list[int], manifest: Manifest) -> NDArray[np.float32]:
    if shape[1] != len(manifest.inputs):
        raise BadRequest(f"input {name!r}: shape {shown(shape)} has {shape[1]} columns: {_allowed(manifest)}")
    values = flat(name, tensor["data"], shape)
    check_numbers(name, tensor.get("datatype"), values)
    return numbers({name: values}).reshape(shape)


def _columns(inputs: dict[str, dict[str, Any]], manifest: Manifest) -> dict[str, list[Any]]:
    """The checked values of every input of the model, all of one length."""
    columns: dict[str, list[Any]] = {}
    rows, first = 0, ""
    for column in manifest.inputs:
        name = column.name
        tensor = inputs.get(name)
        if tensor is None:
            continue
        shape = check_shape(name, tensor.get("shape"))
        if len(shape) == 2 and shape[1] != 1:
            raise BadRequest(f"input {name!r}: shape {shown(shape)} of a column is not [rows] or [rows, 1]")
        values = columns[name] = flat(name, tensor["data"], shape)
        (check_numbers if column.datatype == NUMBER else check_texts)(name, tensor.get("datatype"), values)
        if rows and shape[0] != rows:
            raise BadRequest(f"input {name!r} has {shape[0]} rows, {first!r} has {rows}: all need the same")
        rows, first = shape[0], first or name
    unknown = [name for name in inputs if name not in columns]
    if unknown:
        raise BadRequest(f"unknown input {_names(unknown)}: {_allowed(manifest)}")
    missing = [column.name for column in manifest.inputs if column.name not in columns]
    if missing:
        raise BadRequest(f"missing input {_names(missing)}: {_allowed(manifest)}")
    return columns


def _names(names: list[str]) -> str:
    return _listed([repr(name if len(name) <= 128 else name[:125] + "...") for name in names])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def _allowed(manifest: Manifest) -> str:
    """The sentence that says which inputs the model takes."""
    columns = _listed([f"{column.name} {column.datatype}" for column in manifest.inputs])
    tensor = f", or one {NUMBER} tensor [rows, {len(manifest.inputs)}] in this order" if manifest.numeric else ""
    return f"the model takes one input a column ({columns}){tensor}"


def encode(model: str, version: str, request: Inference, arrays: list[NDArray[Any]]) -> bytes:
    """The answer: ``arrays`` are in the order of ``request.outputs``; data is flat, row by row, NaN is null."""
    outputs = []
    for output, array in zip(request.outputs, arrays, strict=True):
        values = array.ravel()
        outputs.append(
            {
                "name": output.name,
                "datatype": output.datatype,
                "shape": array.shape,
                "data": values.tolist() if values.dtype == object else values,
            }
        )
    answer = {"model_name": model, "model_version": version, "id": request.id, "outputs": outputs}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def error(message: str) -> bytes:
    """The body of every answer that is not a success."""
    return orjson.dumps({"error": message})


def metadata(model: str, version: str, manifest: Manifest) -> bytes:
    """The answer to GET /v2/models/NAME. ``parameters`` says which bytes serve, and the order of the probabilities."""
    return orjson.dumps(
        {
            "name": model,
            "versions": [version],
            "platform": "onnxruntime_onnx",
            "inputs": [{"name": column.name, "datatype": column.datatype, "shape": [-1]} for column in manifest.inputs],
            "outputs": [
                {"name": output.name, "datatype": output.datatype, "shape": output.shape} for output in manifest.outputs
            ],
            "parameters": {"digest": manifest.digest, "classes": manifest.classes},
        }
    )
