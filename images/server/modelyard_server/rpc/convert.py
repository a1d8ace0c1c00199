"""Turns gRPC messages into requests, and answers into messages. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from modelyard_server import binary, protocol
from modelyard_server.binary import DTYPES
from modelyard_server.manifest import TEXT, Manifest
from modelyard_server.protocol import Inference
from modelyard_server.rpc.messages import ModelInferResponse
from modelyard_server.tensors import NUMBERS, BadRequest, Tensor, check_shape, shown

_SMALL = {f"{sign}INT{bits}": f"{sign.lower()}int_contents" for sign in ("", "U") for bits in (8, 16, 32)}
FIELDS: dict[str, str] = {
    TEXT: "bytes_contents",
    "BOOL": "bool_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "INT64": "int64_contents",
    "UINT64": "uint64_contents",
    **_SMALL,
}
"""Datatype -> the field of InferTensorContents that holds its values. FP16 has none: it comes as raw bytes."""


def parse(message: Any, manifest: Manifest, header_id: str | None = None) -> Inference:
    """Reads a ModelInferRequest; for ``header_id`` see ``protocol.identity``. Raises BadRequest, which names the field
    and says what is allowed."""
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise BadRequest(f"raw_input_contents has {len(raw)} items for {len(message.inputs)} inputs: give one for each")
    if not message.inputs:
        raise BadRequest(f"inputs is empty: {protocol.allowed(manifest)}")
    names = []
    for index, item in enumerate(message.outputs):
        if "classification" in item.parameters:
            place = f"outputs[{index}].parameters.classification"
            raise BadRequest(f"{place} is not supported: the probabilities are an output")
        names.append(item.name)
    inputs: dict[str, Tensor] = {}
    for index, item in enumerate(message.inputs):
        if item.name in inputs:
            raise BadRequest(f"inputs[{index}]: {item.name!r} is given twice")
        inputs[item.name] = _tensor(item, raw[index] if raw else None)
    outputs = protocol.choose(names, manifest)
    as_bytes = frozenset(output.name for output in outputs) if _binary(message) else frozenset[str]()
    return protocol.of_tensors(protocol.identity(message.id or None, header_id), outputs, inputs, manifest, as_bytes)


def _binary(message: Any) -> bool:
    """Returns whether the outputs go as bytes: as the request says, else if the inputs came as bytes."""
    if "binary_data_output" in message.parameters:
        return bool(message.parameters["binary_data_output"].bool_param)
    return bool(message.raw_input_contents)


def _tensor(item: Any, raw: bytes | None) -> Tensor:
    name, datatype, shape = item.name, item.datatype, list(item.shape)
    if raw is not None:
        if item.contents.ListFields():
            raise BadRequest(f"input {name!r} has contents beside raw_input_contents: give one of them")
        return Tensor(datatype, shape, binary.decode(name, datatype, shape, raw))
    count = prod(check_shape(name, shape))
    field = FIELDS.get(datatype)
    if field is None:
        only = "it comes in raw_input_contents" if datatype in NUMBERS else f"it is {TEXT}, {', '.join(NUMBERS)}"
        raise BadRequest(f"input {name!r}: datatype {shown(datatype)}: {only}")
    for descriptor, _ in item.contents.ListFields():
        if descriptor.name != field:
            raise BadRequest(f"input {name!r}: {datatype} goes in contents.{field}, not in {descriptor.name}")
    values = getattr(item.contents, field)
    if len(values) != count:
        expected = f"shape {shown(shape)} wants {count}"
        raise BadRequest(f"input {name!r}: contents.{field} has {len(values)} elements, {expected}")
    if datatype == TEXT:
        return Tensor(datatype, shape, [binary.text(name, index, value) for index, value in enumerate(values)])
    if datatype in _SMALL:
        return Tensor(
            datatype, shape, list(values)
        )  # a list, so that its range is checked: the field is wider than the datatype
    return Tensor(datatype, shape, np.array(values, dtype=bool if datatype == "BOOL" else DTYPES[datatype]))


def encode(model: str, version: str, request: Inference, arrays: Sequence[NDArray[Any]]) -> bytes:
    """Returns the bytes of a ModelInferResponse; ``arrays`` are in the order of ``request.outputs``."""
    answer = ModelInferResponse(model_name=model, model_version=version, id=request.id)
    for output, array in zip(request.outputs, arrays, strict=True):
        item = answer.outputs.add(name=output.name, datatype=output.datatype, shape=array.shape)
        if output.name in request.binary:
            answer.raw_output_contents.append(binary.encode(output.datatype, array))
        elif output.datatype == TEXT:
            item.contents.bytes_contents.extend([str(value).encode() for value in array.ravel().tolist()])
        else:
            getattr(item.contents, FIELDS[output.datatype]).extend(array.ravel().tolist())
    return answer.SerializeToString()  # type: ignore[no-any-return]


def metadata(described: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of a ModelMetadataResponse from REST's answer; ``parameters`` become properties, as JSON."""
    fields = {key: value for key, value in described.items() if key != "parameters"}
    extra = described["parameters"].items()
    return fields | {
        "properties": {key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in extra}
    }
