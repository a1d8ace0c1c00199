"""Checks that the real server gives scikit-learn's answers, in every form that the protocol allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.server.models import StoredModel
from tests.unit.server.serving import NAME, VERSION, Served

ROWS = slice(20, 120, 7)


def outputs(answer: tuple[int, Any]) -> dict[str, Any]:
    """Returns the outputs by name, as arrays of their shapes."""
    status, body = answer
    assert status == 200, body
    return {item["name"]: np.array(item["data"]).reshape(item["shape"]) for item in body["outputs"]}


def matrix(model: StoredModel, datatype: str = "FP32", nested: bool = False) -> dict[str, Any]:
    values = model.table.to_numpy()[ROWS].astype(float)
    data = values.tolist() if nested else values.ravel().tolist()
    return {"name": "anything", "datatype": datatype, "shape": list(values.shape), "data": data}


def columns(model: StoredModel, rows: slice = ROWS, two_dimensions: bool = False) -> list[dict[str, Any]]:
    tensors = []
    for item in model.manifest["signature"]["inputs"]:
        values = model.column(item["name"], rows)
        if item["datatype"] == "FP32":
            values = [None if value is None else float(value) for value in values]
        shape = [len(values), 1] if two_dimensions else [len(values)]
        tensors.append({"name": item["name"], "datatype": item["datatype"], "shape": shape, "data": values})
    return tensors


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
def test_one_tensor_classifies(iris: StoredModel, iris_server: Served, datatype: str, nested: bool) -> None:
    answer = outputs(iris_server.infer({"inputs": [matrix(iris, datatype, nested)]}))
    rows = iris.table.to_numpy()[ROWS]
    assert answer["label"].tolist() == iris.estimator.predict(rows).tolist()
    np.testing.assert_allclose(answer["probabilities"], iris.estimator.predict_proba(rows), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("two_dimensions", [False, True])
def test_an_input_a_column_of_a_tensor_model(iris: StoredModel, iris_server: Served, two_dimensions: bool) -> None:
    # The inputs are in reverse order: the server must match them by name.
    answer = outputs(iris_server.infer({"inputs": columns(iris, two_dimensions=two_dimensions)[::-1]}))
    assert answer["label"].tolist() == iris.estimator.predict(iris.table.to_numpy()[ROWS]).tolist()


def test_regression_with_missing_numbers(diabetes: StoredModel, diabetes_server: Served) -> None:
    tensor = matrix(diabetes)
    rows = diabetes.table.to_numpy()[ROWS].copy()
    for row in range(len(rows)):
        column = row % rows.shape[1]
        rows[row, column] = np.nan
        tensor["data"][row * rows.shape[1] + column] = None
    answer = outputs(diabetes_server.infer({"inputs": [tensor]}))
    assert answer["value"].shape == (len(rows),), "the signature's shape, not the graph's [rows, 1]"
    np.testing.assert_allclose(answer["value"], diabetes.estimator.predict(rows), rtol=1e-4)


@pytest.mark.parametrize("two_dimensions", [False, True])
def test_columns_with_missing_and_unknown_texts(
    penguins: StoredModel, penguins_server: Served, two_dimensions: bool
) -> None:
    rows = slice(0, 300)
    tensors = columns(penguins, rows, two_dimensions)
    assert any(None in tensor["data"] for tensor in tensors if tensor["datatype"] == "BYTES")
    assert any(None in tensor["data"] for tensor in tensors if tensor["datatype"] == "FP32")
    table = penguins.table[rows].copy()
    tensors[2]["data"][0] = "Atlantis"
    table.loc[0, "island"] = "Atlantis"
    tensors[2]["data"][1] = ""
    table.loc[1, "island"] = ""
    answer = outputs(penguins_server.infer({"inputs": tensors}))
    assert answer["label"].tolist() == penguins.estimator.predict(table).tolist()
    expected = penguins.estimator.predict_proba(table)
    np.testing.assert_allclose(answer["probabilities"], expected, rtol=1e-4, atol=1e-6)


def test_numbers_for_a_graph_with_an_input_a_column(body_mass: StoredModel, body_mass_server: Served) -> None:
    expected = body_mass.estimator.predict(body_mass.table.iloc[ROWS])
    for inputs in ([matrix(body_mass)], columns(body_mass)):
        answer = outputs(body_mass_server.infer({"inputs": inputs}))
        np.testing.assert_allclose(answer["value"], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("datatype", "values", "floats"),
    [
        ("INT64", [40, None], [40.0, None]),
        ("INT32", [40, 41], [40.0, 41.0]),
        ("BOOL", [True, False], [1.0, 0.0]),
        ("FP32", [40, 41.5], [40.0, 41.5]),
    ],
)
def test_datatypes_of_numbers(
    penguins: StoredModel, penguins_server: Served, datatype: str, values: list[Any], floats: list[Any]
) -> None:
    tensors = columns(penguins, slice(0, 2))
    tensors[0] |= {"datatype": datatype, "data": values}
    answer = outputs(penguins_server.infer({"inputs": tensors}))
    tensors[0] |= {"datatype": "FP64", "data": floats}
    expected = outputs(penguins_server.infer({"inputs": tensors}))
    assert answer["probabilities"].tolist() == expected["probabilities"].tolist()


def test_the_answer_names_the_model_and_the_request(iris: StoredModel, iris_server: Served) -> None:
    request: dict[str, Any] = {"inputs": [matrix(iris)], "parameters": {"sequence_id": 7}, "id": "order-17"}
    status, body = iris_server.infer(request, f"/v2/models/{NAME}/versions/{VERSION}/infer")
    assert status == 200
    assert (body["model_name"], body["model_version"], body["id"]) == (NAME, VERSION, "order-17")
    del request["id"]
    generated = {iris_server.infer(request)[1]["id"] for _ in range(3)}
    assert len(generated) == 3
    assert all(generated)


def test_only_the_outputs_asked_for(iris: StoredModel, iris_server: Served) -> None:
    request = {"inputs": [matrix(iris)], "outputs": [{"name": "probabilities", "parameters": {"binary_data": False}}]}
    assert list(outputs(iris_server.infer(request))) == ["probabilities"]
    request["outputs"] = [{"name": "probabilities"}, {"name": "label"}]
    assert list(outputs(iris_server.infer(request))) == ["probabilities", "label"]


def test_a_large_request_is_answered_like_a_small_one(iris: StoredModel, iris_server: Served) -> None:
    rows = np.tile(iris.table.to_numpy(), (200, 1))
    tensor = {"name": "x", "datatype": "FP32", "shape": list(rows.shape), "data": rows.ravel().tolist()}
    before = iris_server.metric("modelyard_server_rows_total")
    answer = outputs(iris_server.infer({"inputs": [tensor]}))
    assert answer["label"].tolist() == iris.estimator.predict(rows).tolist()
    assert iris_server.metric("modelyard_server_rows_total") - before == len(rows) == 30_000
