"""The Open Inference Protocol V2 over REST: turns bodies into requests, and answers into bodies. Pure.

A body is JSON, or, with the binary tensor data extension, JSON whose length is in a header, followed by the bytes of
those tensors, in order, whose JSON has a size instead of data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

import orjson
from numpy.typing import NDArray

from modelyard_server import binary, protocol
from modelyard_server.manifest import PLATFORMS, Manifest
from modelyard_server.protocol import Inference
from modelyard_server.tensors import BadRequest, Tensor, shown

Headers = list[tuple[str, str]]
JSON: Headers = [("content-type", "application/json")]
HEADER_LENGTH = "inference-header-content-length"
_NAME = "Inference-Header-Content-Length"
_NONE: frozenset[str] = frozenset()
_SHAPES = "an object with a name, shape, datatype and data"


def parse(body: bytes, manifest: Manifest, header_id: str | None = None) -> Inference:
    """Reads the JSON body of an infer request; for ``header_id`` see ``protocol.identity``. Raises BadRequest, which
    names the field and says what is allowed."""
    return _request(document(body), None, manifest, header_id)


def parse_binary(body: bytes, manifest: Manifest, header_id: str | None = None, *, length: int) -> Inference:
    """Reads a body whose first ``length`` bytes are JSON. Raises BadRequest."""
    if not 0 < length <= len(body):
        raise BadRequest(f"{_NAME} {length}: the body has {len(body)} bytes, the first of which must be JSON")
    return _request(document(body[:length]), memoryview(body)[length:], manifest, header_id)


def _request(fields: dict[str, Any], rest: memoryview | None, manifest: Manifest, header_id: str | None) -> Inference:
    id_ = protocol.identity(fields.get("id"), header_id)
    as_bytes = False
    if "parameters" in fields:
        as_bytes = _flag(_parameters(fields, "").get("binary_data_output"), "parameters.binary_data_output")
    outputs, binary_outputs = manifest.outputs, _NONE
    if as_bytes or fields.get("outputs") is not None:
        names, binary_outputs = _outputs(fields.get("outputs"), as_bytes, manifest)
        outputs = protocol.choose(names, manifest)
    return protocol.of_tensors(id_, outputs, _inputs(fields.get("inputs"), rest, manifest), manifest, binary_outputs)


def _parameters(item: dict[str, Any], place: str) -> dict[str, Any]:
    parameters = item.get("parameters")
    if parameters is None:
        return {}
    if type(parameters) is not dict:
        raise BadRequest(f"{place}parameters must be an object, not {shown(parameters)}")
    return parameters


def _flag(value: Any, place: str) -> bool:
    if value is not None and type(value) is not bool:
        raise BadRequest(f"{place} must be true or false, not {shown(value)}")
    return bool(value)


def _outputs(requested: Any, as_bytes: bool, manifest: Manifest) -> tuple[list[Any], frozenset[str]]:
    """Returns the names of the requested outputs (an empty list means all), and which of them go as bytes."""
    if requested is not None and type(requested) is not list:
        raise BadRequest('outputs must be an array of objects with "name"')
    if not requested:
        return [], frozenset(output.name for output in manifest.outputs) if as_bytes else _NONE
    names: list[Any] = []
    binary_names = set()
    for index, item in enumerate(requested):
        name = item.get("name") if type(item) is dict else None
        names.append(name)
        parameters = _parameters(item, f"outputs[{index}].") if type(item) is dict else {}
        place = f"outputs[{index}].parameters"
        if "classification" in parameters:
            raise BadRequest(f"{place}.classification is not supported: the probabilities are an output")
        own = parameters.get("binary_data")
        if type(name) is str and (as_bytes if own is None else _flag(own, f"{place}.binary_data")):
            binary_names.add(name)
    return names, frozenset(binary_names)


def _inputs(inputs: Any, rest: memoryview | None, manifest: Manifest) -> dict[str, Tensor]:
    if type(inputs) is not list or not inputs:
        raise BadRequest(f"inputs must be an array of tensors: {protocol.allowed(manifest)}")
    named: dict[str, Tensor] = {}
    taken = 0
    for index, item in enumerate(inputs):
        name = item.get("name") if type(item) is dict else None
        if type(name) is not str:
            raise BadRequest(f"inputs[{index}] is not {_SHAPES}")
        if name in named:
            raise BadRequest(f"inputs[{index}]: {name!r} is given twice")
        tensor = named[name] = Tensor(item.get("datatype"), item.get("shape"), item.get("data"))
        if "parameters" in item and "binary_data_size" in (given := _parameters(item, f"input {name!r}: ")):
            size = given["binary_data_size"]
            tensor.data = _decoded(name, tensor, item, size, rest, taken)
            taken += size
        elif "data" not in item:
            raise BadRequest(f"input {name!r}: data is missing")
    if rest is not None and taken != len(rest):
        raise BadRequest(
            f"{len(rest)} bytes follow the JSON, whose inputs say {taken} in their parameters.binary_data_size"
        )
    return named


def _decoded(name: str, tensor: Tensor, item: dict[str, Any], size: Any, rest: memoryview | None, start: int) -> Any:
    place = f"input {name!r}: parameters.binary_data_size"
    if type(size) is not int or size < 0:
        raise BadRequest(f"{place} {shown(size)} is not a number of bytes")
    if "data" in item:
        raise BadRequest(f"{place}: data is there too: give one of them")
    if rest is None:
        raise BadRequest(f"{place}: the header {_NAME} is missing, which says where the JSON ends")
    if start + size > len(rest):
        raise BadRequest(f"{place} {size}: only {max(0, len(rest) - start)} bytes are left of the body")
    return binary.decode(name, tensor.datatype, tensor.shape, rest[start : start + size])


MOST = ((b",", 1_000_000, "values"), (b"[", 250_000, "arrays"), (b"{", 100_000, "objects"))
"""Most values, arrays and objects in one body. A byte of JSON can take 25 bytes once parsed: 16 MiB would exceed the
memory of a small pod."""


def check_parts(body: bytes) -> None:
    """Raises BadRequest, status 413, if the parsed body could be too large. Signs inside texts are counted too."""
    if len(body) > MOST[-1][1]:
        for sign, most, words in MOST:
            number = body.count(sign)
            if number > most:
                message = f"the body has {number} times '{sign.decode()}': at most {most} {words} are taken"
                raise BadRequest(f"{message}; send fewer rows in a request, or binary data", 413)


def document(body: bytes) -> dict[str, Any]:
    """Returns the JSON object of a request's body. Raises BadRequest.

    NaN is read as null: Triton's client writes a missing number that way, though JSON has no NaN.
    """
    check_parts(body)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in body:
            raise BadRequest(f"the body is not JSON: {error}") from None
        value = _with_nan(body)
    if type(value) is not dict:
        raise BadRequest("the body is not a JSON object")
    return value


def _with_nan(body: bytes) -> Any:
    try:
        # orjson writes and reads it again, because it refuses lone surrogates and integers beyond 64 bits.
        return orjson.loads(orjson.dumps(json.loads(body, parse_constant=_constant, parse_float=_float)))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def _constant(word: str) -> None:
    if word != "NaN":
        raise ValueError(f"{word} is not a value; a missing number is null")


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text[:64]} is too large")
    return value


def encode(model: str, version: str, request: Inference, arrays: Sequence[NDArray[Any]]) -> tuple[Headers, bytes]:
    """Encodes the answer from ``arrays``, which are in the order of ``request.outputs``; data is flat, row by row, and
    NaN becomes null."""
    outputs: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for output, array in zip(request.outputs, arrays, strict=True):
        tensor: dict[str, Any] = {"name": output.name, "datatype": output.datatype, "shape": array.shape}
        if output.name in request.binary:
            tail.append(binary.encode(output.datatype, array))
            tensor["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            values = array.ravel()
            tensor["data"] = values.tolist() if values.dtype == object else values
        outputs.append(tensor)
    answer = {"model_name": model, "model_version": version, "id": request.id, "outputs": outputs}
    body = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    if not tail:
        return JSON, body
    headers = [("content-type", "application/octet-stream"), (HEADER_LENGTH, str(len(body)))]
    return headers, b"".join((body, *tail))


SERVER_NAME, SERVER_VERSION = "modelyard", "0.1.0"
EXTENSIONS = ("binary_tensor_data", "model_repository")
SERVER = orjson.dumps({"name": SERVER_NAME, "version": SERVER_VERSION, "extensions": EXTENSIONS})
"""The answer to GET /v2."""


def error(message: str) -> bytes:
    """Returns the body of an answer that is not a success."""
    return orjson.dumps({"error": message})


def dumps(value: Any) -> bytes:
    return orjson.dumps(value)


def metadata(model: str, versions: list[str], manifest: Manifest) -> dict[str, Any]:
    """Returns the answer to GET /v2/models/NAME. ``parameters`` has the digest of the served model, the classes in
    the order of the probabilities, and of each input the type of its column, and a Timestamp's format and zone."""
    return {
        "name": model,
        "versions": versions,
        "platform": PLATFORMS[manifest.format],
        "inputs": [
            {"name": column.name, "datatype": manifest.datatype(column), "shape": [-1]} for column in manifest.inputs
        ],
        "outputs": [
            {"name": output.name, "datatype": output.datatype, "shape": list(output.shape)}
            for output in manifest.outputs
        ],
        "parameters": {"digest": manifest.digest, "classes": list(manifest.classes), "columns": _columns(manifest)},
    }


def _columns(manifest: Manifest) -> dict[str, dict[str, str]]:
    described = {}
    for column in manifest.inputs:
        facts = {"type": column.type, "format": column.format, "timeZone": column.time_zone}
        described[column.name] = {key: value for key, value in facts.items() if value is not None}
    return described


def check_control(document: dict[str, Any]) -> None:
    """Raises BadRequest if a request to load or unload has other parameters, such as the files of a model."""
    parameters = document.get("parameters") or {}
    if type(parameters) is not dict or set(parameters) - {"unload_dependents"}:
        raise BadRequest("parameters: a model is loaded as it lies in the repository: send none")
