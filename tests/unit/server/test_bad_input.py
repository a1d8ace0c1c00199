"""Checks that every malformed request gets a 4xx whose message names the field and what is allowed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.server.models import StoredModel
from tests.unit.server.serving import NAME, Served
from tests.unit.server.test_answers import columns

INFER = f"/v2/models/{NAME}/infer"


def tensor(**changes: Any) -> dict[str, Any]:
    """Returns a valid tensor with changes; a change to ``...`` removes the field."""
    fields = {"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]} | changes
    return {key: value for key, value in fields.items() if value is not ...}


IRIS: list[tuple[Any, str]] = [
    # the document
    ([], "not a JSON object"),
    ({}, "inputs must be an array .*\\(sepal_length FP32, .* or one FP32 tensor \\[rows, 4\\]"),
    ({"inputs": []}, "inputs must be an array"),
    ({"inputs": {"x": 1}}, "inputs must be an array"),
    ({"inputs": [1]}, "inputs\\[0\\] is not an object"),
    ({"inputs": [tensor(name=...)]}, "inputs\\[0\\] is not an object with a name"),
    ({"inputs": [tensor()], "id": 7}, "id 7 is not a text"),
    ({"inputs": [tensor()], "id": "x" * 300}, "id .* is not a text of 1 to 256"),
    # outputs
    ({"inputs": [tensor()], "outputs": "label"}, "outputs must be an array"),
    ({"inputs": [tensor()], "outputs": [{"name": "lable"}]}, 'unknown output "lable": the model has label, prob'),
    ({"inputs": [tensor()], "outputs": [{"name": ["label"]}]}, "outputs\\[0\\]: unknown output"),
    ({"inputs": [tensor()], "outputs": [{"name": "label"}] * 2}, "outputs\\[1\\]: 'label' is asked for twice"),
    # parameters
    ({"inputs": [tensor()], "parameters": 7}, "parameters must be an object, not 7"),
    ({"inputs": [tensor(parameters=[])]}, "input 'x': parameters must be an object"),
    ({"inputs": [tensor()], "parameters": {"binary_data_output": 1}}, "binary_data_output must be true or false"),
    ({"inputs": [tensor()], "outputs": [{"name": "label", "parameters": 1}]}, "outputs\\[0\\].parameters must be an"),
    (
        {"inputs": [tensor()], "outputs": [{"name": "label", "parameters": {"binary_data": "yes"}}]},
        "outputs\\[0\\].parameters.binary_data must be true or false",
    ),
    (
        {"inputs": [tensor()], "outputs": [{"name": "label", "parameters": {"classification": 3}}]},
        "outputs\\[0\\].parameters.classification is not supported",
    ),
    ({"inputs": [tensor(data=..., parameters={"binary_data_size": 16})]}, "binary_data_size: the header .* is missing"),
    ({"inputs": [tensor(parameters={"binary_data_size": 16})]}, "binary_data_size: data is there too"),
    ({"inputs": [tensor(data=..., parameters={"binary_data_size": -1})]}, "-1 is not a number of bytes"),
    # shape
    ({"inputs": [tensor(shape=...)]}, "input 'x': shape null is not"),
    ({"inputs": [tensor(shape=4)]}, "shape 4 is not"),
    ({"inputs": [tensor(shape=[])]}, "shape \\[\\] is not"),
    ({"inputs": [tensor(shape=[1, 2, 2])]}, "shape \\[1,2,2\\] is not"),
    ({"inputs": [tensor(shape=[1.0, 4])]}, "is not \\[rows\\] or \\[rows, columns\\]"),
    ({"inputs": [tensor(shape=[True, 4])]}, "is not \\[rows\\] or \\[rows, columns\\]"),
    ({"inputs": [tensor(shape=[-1, 4])]}, "at least one row"),
    ({"inputs": [tensor(shape=[0, 4], data=[])]}, "at least one row"),
    ({"inputs": [tensor(shape=[2, 2])]}, "has 2 columns: the model takes .* \\[rows, 4\\]"),
    ({"inputs": [tensor(shape=[10**30, 4])]}, "data has 4 elements|is not \\[rows\\]"),
    # data
    ({"inputs": [tensor(data=...)]}, "input 'x': data is missing"),
    ({"inputs": [tensor(data="1234")]}, 'data must be a JSON array, not "1234"'),
    ({"inputs": [tensor(data=[1, 2, 3])]}, "data has 3 elements, shape \\[1,4\\] wants 4"),
    ({"inputs": [tensor(data=[[1, 2, 3]])]}, "data\\[0\\] is not an array of 4"),
    ({"inputs": [tensor(data=[[1, 2, 3, 4], 5])]}, "data\\[1\\] is not an array of 4"),
    ({"inputs": [tensor(data=[[1, 2, 3, 4]] * 2)]}, "data has 2 rows, shape \\[1,4\\] wants 1"),
    ({"inputs": [tensor(data=[[[1], 2, 3, 4]])]}, "element 0 is \\[1\\]: FP32 holds numbers"),
    ({"inputs": [tensor(data=[1, 2, "3", 4])]}, 'element 2 is "3": FP32 holds numbers, and null'),
    ({"inputs": [tensor(data=[1, 2, "", 4])]}, 'element 2 is "": FP32 holds numbers, and null for missing'),
    ({"inputs": [tensor(data=[1, 2, True, 4])]}, "element 2 is true"),
    ({"inputs": [tensor(data=[1, 2, {}, 4])]}, "element 2 is {}"),
    ({"inputs": [tensor(data=[1, 2, 1e39, 4])]}, "element 2, 1e\\+?39, is too large for FP32"),
    ({"inputs": [tensor(datatype="INT64", data=[1, 2, 3.5, 4])]}, "element 2 is 3.5: INT64 holds whole numbers"),
    ({"inputs": [tensor(datatype="INT8", data=[1, 2, 128, 4])]}, "element 2 is 128: INT8 holds -128 to 127"),
    ({"inputs": [tensor(datatype="UINT32", data=[1, 2, 3, -4])]}, "element 3 is -4: UINT32 holds 0 to 4294967295"),
    ({"inputs": [tensor(datatype="BOOL")]}, "BOOL holds true and false"),
    # datatype
    ({"inputs": [tensor(datatype=...)]}, "datatype null: a number is FP32, FP64, INT64, INT32, BOOL"),
    ({"inputs": [tensor(datatype="FP8")]}, 'datatype "FP8": a number is FP32'),
    ({"inputs": [tensor(datatype="BYTES", data=["a"] * 4)]}, 'datatype "BYTES": a number is FP32'),
    ({"inputs": [tensor(datatype=["FP32"])]}, 'datatype \\["FP32"\\]: a number is'),
    # names
    ({"inputs": [tensor(), tensor()]}, "inputs\\[1\\]: 'x' is given twice"),
    ({"inputs": [tensor(), tensor(name="y")]}, "unknown input 'x', 'y': the model takes one input a column"),
    ({"inputs": [tensor(shape=[4])]}, "unknown input 'x': the model takes"),
    ({"inputs": [tensor(name="sepal_width", shape=[4])]}, "missing input 'sepal_length', 'petal_length', 'petal_w"),
    ({"inputs": [tensor(name="sepal_width", shape=[4, 1])]}, "missing input 'sepal_length'"),
]


@pytest.mark.parametrize(("document", "message"), IRIS, ids=[str(index) for index in range(len(IRIS))])
def test_refused(iris_server: Served, document: Any, message: str) -> None:
    status, body = iris_server.infer(document)
    assert status == 400, body
    assert list(body) == ["error"]
    assert re.search(message, body["error"]), body
    assert "Traceback" not in body["error"]


@pytest.mark.parametrize(
    ("index", "changes", "message"),
    [
        (2, {"datatype": "FP32", "data": [1, 2]}, "input 'island': datatype \"FP32\": a text is BYTES"),
        (2, {"data": ["Biscoe", 7]}, "input 'island': element 1 is 7: BYTES holds texts"),
        (2, {"data": ["Biscoe", True]}, "element 1 is true"),
        (2, {"shape": [2, 2], "data": ["a"] * 4}, "input 'island': shape \\[2,2\\] of a column"),
        (0, {"shape": [3], "data": [1, 2, 3]}, "'body_mass_g' has 2 rows, 'bill_length_mm' has 3: all need the same"),
        (0, {"data": ["39.1", 40]}, "input 'bill_length_mm': element 0 is \"39.1\""),
        (0, {"name": "bill"}, "unknown input 'bill': the model takes one input a column .*island BYTES, sex BYTES\\)$"),
    ],
)
def test_a_column_refused(
    penguins: StoredModel, penguins_server: Served, index: int, changes: dict[str, Any], message: str
) -> None:
    tensors = columns(penguins, slice(0, 2))
    tensors[index] |= changes
    status, body = penguins_server.infer({"inputs": tensors})
    assert status == 400, body
    assert re.search(message, body["error"]), body


def test_one_tensor_is_refused_where_there_are_texts(penguins_server: Served) -> None:
    status, body = penguins_server.infer({"inputs": [tensor()]})
    assert status == 400
    assert "unknown input 'x'" in body["error"]
    assert "[rows" not in body["error"], "a tensor is not offered"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON"),
        (b'{"inputs": [', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (
            b'{"inputs": [{"name": "x", "data": [NaN, Infinity]}]}',
            "not JSON: Infinity is not .* a missing number is null",
        ),
        (b'{"id": "\\ud800", "inputs": [{"name": "x", "data": [NaN]}]}', "not JSON"),
        (b'{"inputs": [{"name": "x", "data": [NaN, 1e999]}]}', "not JSON: 1e999 is too large"),
        (b'{"inputs": [NaN' + b"[" * 100_000, "not JSON"),
        (b'{"inputs": [{"name": "x", "data": [NaN}]}', "not JSON"),
        (b'{"inputs": [{"name": "x", "data": [1e999]}]}', "not JSON"),
        (b"null", "not a JSON object"),
    ],
)
def test_a_body_that_is_no_request(iris_server: Served, body: bytes, message: str) -> None:
    status, answer, _ = iris_server.request("POST", INFER, body)
    assert status == 400
    assert re.search(message, answer["error"]), answer


def test_encodings_that_are_not_spoken(iris_server: Served) -> None:
    status, answer, _ = iris_server.request("POST", INFER, b"{}", {"Content-Encoding": "gzip"})
    assert status == 415
    assert "Content-Encoding 'gzip' is not supported" in answer["error"]


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", "text/plain; x=y"])
def test_content_types_are_tolerated(iris_server: Served, content_type: str) -> None:
    body = json.dumps({"inputs": [tensor()]}).encode()
    assert iris_server.request("POST", INFER, body, {"Content-Type": content_type})[0] == 200


@pytest.mark.parametrize("ready", [{}, "true", 1, None])
def test_the_index_wants_true_or_false(iris_server: Served, ready: Any) -> None:
    body = json.dumps({"ready": ready}).encode()
    status, answer, _ = iris_server.request("POST", "/v2/repository/index", body)
    assert status == 400
    assert re.search("ready .* is not true or false", answer["error"])
