"""Checks the binary tensor data extension: tensors as bytes after the JSON, in requests and in answers."""

from __future__ import annotations

import json
import re
import struct
from typing import Any

import numpy as np
import pytest

from tests.unit.server.models import StoredModel
from tests.unit.server.serving import NAME, Served
from tests.unit.server.test_answers import ROWS, columns

INFER = f"/v2/models/{NAME}/infer"
HEADER = "Inference-Header-Content-Length"
ONE = np.array([[1, 2, 3, 4]], dtype="<f4").tobytes()


def pack(values: list[Any]) -> bytes:
    texts = [("" if value is None else value).encode() for value in values]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def unpack(data: bytes) -> list[str]:
    texts, offset = [], 0
    while offset < len(data):
        size = struct.unpack_from("<I", data, offset)[0]
        texts.append(data[offset + 4 : offset + 4 + size].decode())
        offset += 4 + size
    return texts


def as_bytes(tensors: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bytes]:
    """Returns the inputs without data, and their data as the bytes that follow the JSON."""
    heads, tail = [], b""
    for tensor in tensors:
        data = tensor["data"]
        body = pack(data) if tensor["datatype"] == "BYTES" else np.array(data, dtype="<f4").tobytes()
        heads.append({key: value for key, value in tensor.items() if key != "data"})
        heads[-1]["parameters"] = {"binary_data_size": len(body)}
        tail += body
    return heads, tail


def send(server: Served, document: dict[str, Any], tail: bytes, length: int | str | None = None) -> tuple[int, Any]:
    """Sends a request; returns the code and the answer's JSON, with the outputs' bytes decoded into ``data``."""
    head = json.dumps(document).encode()
    headers = {HEADER: str(len(head) if length is None else length)}
    status, body, answered = server.request("POST", INFER, head + tail, headers)
    if answered["content-type"] == "application/json":
        return status, body
    assert answered["content-type"] == "application/octet-stream"
    end = int(answered[HEADER])
    answer, remaining = json.loads(body[:end]), body[end:]
    for output in answer["outputs"]:
        if "data" not in output:
            size = output["parameters"]["binary_data_size"]
            part, remaining = remaining[:size], remaining[size:]
            kinds = {"FP32": "<f4", "INT64": "<i8"}
            text = output["datatype"] == "BYTES"
            output["data"] = unpack(part) if text else np.frombuffer(part, kinds[output["datatype"]]).tolist()
    assert remaining == b""
    return status, answer


@pytest.mark.parametrize("output", [False, True])
def test_columns_of_texts_and_numbers(penguins: StoredModel, penguins_server: Served, output: bool) -> None:
    tensors = columns(penguins, slice(0, 300))
    tensors[2]["data"][0] = "Åtlantis"
    assert None in tensors[0]["data"], "it becomes NaN"
    assert None in tensors[3]["data"], "it becomes an empty text"
    heads, tail = as_bytes(tensors)
    document = {"id": "7", "parameters": {"binary_data_output": output}}
    status, answer = send(penguins_server, document | {"inputs": heads}, tail)
    assert status == 200, answer
    assert ["parameters" in item for item in answer["outputs"]] == [output] * 2
    from_json = penguins_server.infer({"id": "7", "inputs": tensors})[1]
    for output_, expected in zip(answer["outputs"], from_json["outputs"], strict=True):
        assert output_["shape"] == expected["shape"]
        np.testing.assert_array_equal(np.array(output_["data"], np.float32), np.array(expected["data"], np.float32))


@pytest.mark.parametrize(
    ("datatype", "dtype"),
    [(name, f"<{name[0].lower()}{int(name.lstrip('UINTFP')) // 8}") for name in ("FP16", "FP32", "FP64")]
    + [(f"{sign}INT{bits}", f"<{(sign or 'i').lower()}{bits // 8}") for sign in ("", "U") for bits in (8, 16, 32, 64)],
)
def test_one_tensor_of_any_numbers(iris: StoredModel, iris_server: Served, datatype: str, dtype: str) -> None:
    values = iris.table.to_numpy()[ROWS].astype(dtype)
    tail = values.tobytes()
    head = {"name": "x", "datatype": datatype, "shape": list(values.shape)}
    head["parameters"] = {"binary_data_size": len(tail)}
    outputs = [
        {"name": "label", "parameters": {"binary_data": True}},
        {"name": "probabilities", "parameters": {"binary_data": False}},
    ]
    status, answer = send(iris_server, {"inputs": [head], "outputs": outputs}, tail)
    assert status == 200, answer
    label, probabilities = answer["outputs"]
    assert "parameters" in label
    assert "parameters" not in probabilities
    assert label["data"] == iris.estimator.predict(values.astype(np.float32)).tolist()


def test_bytes_and_json_together(penguins: StoredModel, penguins_server: Served) -> None:
    tensors = columns(penguins, slice(0, 5))
    heads, _ = as_bytes(tensors)
    mixed = [tensors[0], heads[1], heads[2], tensors[3]]
    tail = b"".join(as_bytes([tensors[index]])[1] for index in (1, 2))
    status, answer = send(penguins_server, {"inputs": mixed}, tail)
    assert status == 200, answer
    assert answer["outputs"] == penguins_server.infer({"inputs": tensors})[1]["outputs"]


def test_bytes_answer_a_request_in_json(iris_server: Served) -> None:
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}
    body = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    status, data, headers = iris_server.request("POST", INFER, body)
    assert status == 200
    answer = json.loads(data[: int(headers[HEADER])])
    sizes = [output["parameters"]["binary_data_size"] for output in answer["outputs"]]
    label = data[int(headers[HEADER]) :][: sizes[0]]
    assert unpack(label) == iris_server.infer({"inputs": [tensor]})[1]["outputs"][0]["data"]
    assert sizes[1] == 3 * 4


def test_a_large_tensor(iris: StoredModel, iris_server: Served) -> None:
    values = np.tile(iris.table.to_numpy(), (1000, 1)).astype("<f4")
    head = {"name": "x", "datatype": "FP32", "shape": list(values.shape)}
    head["parameters"] = {"binary_data_size": values.nbytes}
    outputs = [{"name": "label", "parameters": {"binary_data": True}}]
    status, answer = send(iris_server, {"inputs": [head], "outputs": outputs}, values.tobytes())
    assert status == 200, answer
    assert answer["outputs"][0]["data"] == iris.estimator.predict(values).tolist()


def head(size: Any = 16, **changes: Any) -> dict[str, Any]:
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 4], "parameters": {"binary_data_size": size}}
    return {"inputs": [tensor | changes]}


@pytest.mark.parametrize(
    ("document", "tail", "message"),
    [
        (head(), ONE[:12], "input 'x': parameters.binary_data_size 16: only 12 bytes are left"),
        (head(), ONE + b"1234", "20 bytes follow the JSON, whose inputs say 16"),
        (head(12), ONE[:12], "input 'x' has 12 bytes: FP32 of shape \\[1,4\\] takes 16 bytes"),
        (head(10**30), ONE, "binary_data_size"),
        (head("16"), ONE, 'binary_data_size "16" is not a number of bytes'),
        (head(shape=[10**12, 10**12]), ONE, "FP32 of shape .* takes 4000000000000000000000000 bytes"),
        (head(shape=[-1, 4]), ONE, "at least one row"),
        (head(shape=None), ONE, "shape null"),
        (head(datatype="FP8"), ONE, 'datatype "FP8": it is BYTES, FP32'),
        (head(datatype=["FP32"]), ONE, "datatype"),
        (head(datatype="BYTES"), ONE, "input 'x': element 0 ends after the last of its 16 bytes"),
        (head(24, datatype="BYTES"), pack(["ab"] * 4), 'datatype "BYTES": a number is FP32'),
        (head(12, datatype="BYTES"), pack(["ab"] * 2), "has 2 elements: shape \\[1,4\\] wants 4"),
        (head(30, datatype="BYTES"), pack(["ab"] * 5), "has 4 and 6 bytes more: shape \\[1,4\\] wants 4"),
        (head(datatype="BYTES"), pack(["ab"] * 2) + b"1234", "element 2 ends after the last"),
        (head(4, datatype="BYTES"), b"\xff\xff\xff\xff", "element 0 ends after"),
        (head(20, datatype="BYTES"), (b"\x01\0\0\0\xff") * 4, "input 'x': element 0 is not UTF-8"),
        (head(), np.array([1, 2, np.inf, 4], "<f4").tobytes(), "input 'x': element 2, inf, is too large for FP32"),
        (head(32, datatype="FP64"), np.array([1, 2, 1e39, 4], "<f8").tobytes(), "element 2, 1e\\+?39, is too large"),
        ({"inputs": []}, b"", "inputs must be an array"),
    ],
)
def test_sizes_that_lie(iris_server: Served, document: Any, tail: bytes, message: str) -> None:
    status, body = send(iris_server, document, tail)
    assert status == 400, body
    assert re.search(message, body["error"]), body


@pytest.mark.parametrize("length", ["0", "100000", "-1", "x", "", "9" * 30, "1e3"])
def test_a_header_that_lies(iris_server: Served, length: str) -> None:
    status, body = send(iris_server, head(), ONE, length)
    assert status == 400, body
    assert HEADER.lower() in body["error"].lower()


def test_a_header_that_ends_within_the_json(iris_server: Served) -> None:
    status, body = send(iris_server, head(), ONE, 20)
    assert (status, "not JSON" in body["error"]) == (400, True), body
