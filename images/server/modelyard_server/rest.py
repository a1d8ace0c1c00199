"""The Open Inference Protocol V2 over REST: bodies to requests, answers to bodies. Pure.

JSON, and the binary tensor data extension: the JSON comes first, its length in a header, and after it the bytes of
the tensors whose JSON has a size in the place of data, in their order.
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


def parse(body: bytes, manifest: Manifest, named: str | None = None) -> Inference:
    """Reads the JSON body of an infer request; ``named`` as of ``protocol.identity``. Raises BadRequest that names the
    field and says what is allowed."""
    return _request(document(body), None, manifest, named)


def parse_binary(body: bytes, manifest: Manifest, named: str | None = None, *, length: int) -> Inference:
    """Reads a body whose first ``length`` bytes are JSON. Raises BadRequest."""
    if not 0 < length <= len(body):
        raise BadRequest(f"{_NAME} {length}: the body has {len(body)} bytes, the first of which must be JSON")
    return _request(document(body[:length]), memoryview(body)[length:], manifest, named)


def _request(found: dict[str, Any], rest: memoryview | None, manifest: Manifest, named: str | None) -> Inference:
    id_ = protocol.identity(found.get("id"), named)
    as_bytes = False
    if "parameters" in found:
        as_bytes = _flag(_parameters(found, "").get("binary_data_output"), "parameters.binary_data_output")
    outputs, binary_outputs = manifest.outputs, _NONE
    if as_bytes or found.get("outputs") is not None:
        names, binary_outputs = _wanted(found.get("outputs"), as_bytes, manifest)
        outputs = protocol.choose(names, manifest)
    return protocol.of_tensors(id_, outputs, _inputs(found.get("inputs"), rest, manifest), manifest, binary_outputs)


def _parameters(item: dict[str, Any], place: str) -> dict[str, Any]:
    found = item.get("parameters")
    if found is None:
        return {}
    if type(found) is not dict:
        raise BadRequest(f"{place}parameters must be an object, not {shown(found)}")
    return found


def _flag(value: Any, place: str) -> bool:
    if value is not None and type(value) is not bool:
        raise BadRequest(f"{place} must be true or false, not {shown(value)}")
    return bool(value)


def _wanted(wanted: Any, as_bytes: bool, manifest: Manifest) -> tuple[list[Any], frozenset[str]]:
    """The names of the outputs asked for, none for all, and which of them are wanted as bytes."""
    if wanted is not None and type(wanted) is not list:
        raise BadRequest('outputs must be an array of objects with "name"')
    if not wanted:
        return [], frozenset(output.name for output in manifest.outputs) if as_bytes else _NONE
    names: list[Any] = []
    chosen = set()
    for index, item in enumerate(wanted):
        name = item.get("name") if type(item) is dict else None
        names.append(name)
        parameters = _parameters(item, f"outputs[{index}].") if type(item) is dict else {}
        place = f"outputs[{index}].parameters"
        if "classification" in parameters:
            raise BadRequest(f"{place}.classification is not supported: the probabilities are an output")
        own = parameters.get("binary_data")
        if type(name) is str and (as_bytes if own is None else _flag(own, f"{place}.binary_data")):
            chosen.add(name)
    return names, frozenset(chosen)


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
"""What one request may hold. A byte of JSON can become 25 of memory: 16 MiB would be more than a small pod has."""


def check_parts(body: bytes) -> None:
    """Raises BadRequest, status 413, for a body whose values, parsed, would be too large. Texts count as they come."""
    if len(body) > MOST[-1][1]:
        for sign, most, words in MOST:
            found = body.count(sign)
            if found > most:
                message = f"the body has {found} times '{sign.decode()}': at most {most} {words} are taken"
                raise BadRequest(f"{message}; send fewer rows in a request, or binary data", 413)


def document(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises BadRequest.

    NaN is taken for null: Triton's client writes a missing number so, though JSON has no such word.
    """
    check_parts(body)
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in body:
            raise BadRequest(f"the body is not JSON: {error}") from None
        found = _with_nan(body)
    if type(found) is not dict:
        raise BadRequest("the body is not a JSON object")
    return found


def _with_nan(body: bytes) -> Any:
    try:
        # Once more by the strict reader, which takes no half characters and no numbers without end.
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
    """The answer: ``arrays`` are in the order of ``request.outputs``; data is flat, row by row, NaN is null."""
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
    """The body of every answer that is not a success."""
    return orjson.dumps({"error": message})


def dumps(value: Any) -> bytes:
    return orjson.dumps(value)


def metadata(model: str, versions: list[str], manifest: Manifest) -> dict[str, Any]:
    """The answer to GET /v2/models/NAME. ``parameters`` says which bytes serve, and the order of the probabilities."""
    return {
        "name": model,
        "versions": versions,
        "platform": PLATFORMS[manifest.format],
        "inputs": [{"name": column.name, "datatype": column.datatype, "shape": [-1]} for column in manifest.inputs],
        "outputs": [
            {"name": output.name, "datatype": output.datatype, "shape": list(output.shape)}
            for output in manifest.outputs
        ],
        "parameters": {"digest": manifest.digest, "classes": list(manifest.classes)},
    }


def check_control(document: dict[str, Any]) -> None:
    """Of a request to load or unload. Raises BadRequest for a model that comes with the request."""
    parameters = document.get("parameters") or {}
    if type(parameters) is not dict or set(parameters) - {"unload_dependents"}:
        raise BadRequest("parameters: a model is loaded as it lies in the repository: send none")
