"""Checks that the OpenAPI document is valid and complete, and that the server does what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.unit.server.serving import NAME, VERSION, Served


def document(server: Served) -> dict[str, Any]:
    status, body = server.get("/openapi.json")
    assert status == 200
    return dict(body)


def filled(path: str) -> str:
    return path.replace("{name}", NAME).replace("{version}", VERSION)


def check(document: dict[str, Any], operation: dict[str, Any], status: int, body: Any) -> None:
    """Checks that an answer is one that the operation declares."""
    assert str(status) in operation["responses"], body
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    Draft202012Validator(schema | {"components": document["components"]}).validate(body)


def test_it_is_valid_and_knows_the_models(iris_server: Served) -> None:
    openapi = document(iris_server)
    validate(openapi)
    assert openapi["components"]["parameters"]["name"]["schema"]["enum"] == [NAME]
    assert openapi["components"]["parameters"]["version"]["schema"]["enum"] == [VERSION]


@pytest.mark.parametrize("fixture", ["iris_server", "penguins_server"])
def test_every_operation_answers_as_it_says(fixture: str, request: pytest.FixtureRequest) -> None:
    server: Served = request.getfixturevalue(fixture)
    openapi = document(server)
    assert len(openapi["paths"]) == 15
    for path, item in openapi["paths"].items():
        for method in ("get", "post"):
            status, body, headers = server.request(method.upper(), filled(path), b"{}" if method == "post" else None)
            if method in item:
                check(openapi, item[method], status, body)
                assert status == 200 or "infer" in path or "load" in path
            else:
                assert (status, headers["allow"]) == (405, "GET" if method == "post" else "POST"), path


@pytest.mark.parametrize("fixture", ["iris_server", "penguins_server", "diabetes_server"])
def test_its_example_is_answered(fixture: str, request: pytest.FixtureRequest) -> None:
    server: Served = request.getfixturevalue(fixture)
    openapi = document(server)
    for path in (f"/v2/models/{NAME}/infer", f"/v2/models/{NAME}/versions/{VERSION}/infer"):
        template = path.replace(NAME, "{name}").replace(f"versions/{VERSION}", "versions/{version}")
        operation = openapi["paths"][template]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        example = content["examples"][NAME]["value"]
        Draft202012Validator(content["schema"] | {"components": openapi["components"]}).validate(example)
        status, body, _ = server.request("POST", path, json.dumps(example).encode())
        assert status == 200, body
        check(openapi, operation, status, body)
