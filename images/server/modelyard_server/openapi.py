"""The OpenAPI document of the REST paths, with the names and the stored examples of the served models."""

from __future__ import annotations

from typing import Any

from modelyard_server.manifest import TEXT, Manifest
from modelyard_server.models import Models, Slot
from modelyard_server.protocol import MAX_ID
from modelyard_server.rest import SERVER_VERSION
from modelyard_server.tensors import NUMBERS

PATH = "/openapi.json"
Json = dict[str, Any]


def document(models: Models) -> Json:
    """Returns the OpenAPI 3.1 document for these models."""
    slots = list(models)
    names = list(dict.fromkeys(slot.name for slot in slots))
    versions = list(dict.fromkeys(slot.version for slot in slots))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Modelyard model server",
            "version": SERVER_VERSION,
            "description": "The Open Inference Protocol V2, with binary tensor data and the model repository.",
        },
        "paths": _paths(slots),
        "components": {
            "schemas": _SCHEMAS,
            "parameters": {"name": _parameter("name", names), "version": _parameter("version", versions)},
        },
    }


def example(manifest: Manifest) -> Json:
    """Returns the first row of the model's stored example as an infer request."""
    inputs = []
    for column in manifest.inputs:
        value = manifest.example_inputs[column.name][0]
        inputs.append({"name": column.name, "shape": [1], "datatype": manifest.datatype(column), "data": [value]})
    return {"inputs": inputs}


def _parameter(name: str, values: list[str]) -> Json:
    schema: Json = {"type": "string"} | ({"enum": values} if values else {})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _answers(description: str, schema: Json, *errors: int) -> Json:
    answers: Json = {"200": {"description": description, "content": _content(schema)}}
    for code in errors:
        answers[str(code)] = {"description": _ERRORS[code], "content": _content(_schema("Error"))}
    return answers


_ERRORS = {
    400: "The request is wrong; the message names the field.",
    403: "This server serves one model, which clients can't load or unload.",
    404: "There is no such model or version.",
    413: "The body is too large.",
    415: "The body's encoding is not supported.",
    500: "An internal error; the message has the id under which the server's log has it.",
    503: "The model, or the server, is not ready.",
}


def _get(identity: str, summary: str, schema: Json, *errors: int) -> Json:
    return {"get": {"operationId": identity, "summary": summary, "responses": _answers(summary, schema, *errors)}}


def _post(identity: str, summary: str, body: Json, answer: Json, *errors: int, required: bool = False) -> Json:
    request = {"required": required, "content": _content(body)}
    responses = _answers(summary, answer, 400, 413, 415, 500, *errors)
    return {"post": {"operationId": identity, "summary": summary, "requestBody": request, "responses": responses}}


def _paths(slots: list[Slot]) -> Json:
    ready = {"type": "object", "properties": {"ready": {"const": True}}, "required": ["ready"]}
    live = {"type": "object", "properties": {"live": {"const": True}}, "required": ["live"]}
    paths = {
        "/v2/health/live": _get("live", "The server runs", live),
        "/v2/health/ready": _get("ready", "The models can be asked", ready, 503),
        "/v2": _get("server", "The server and its extensions", _schema("Server")),
        "/v2/models": _get("models", "The names of the models", _schema("Names")),
        "/v2/repository/index": _post("index", "The models there are", _schema("Index"), _schema("Models")),
    }
    for verb in ("load", "unload"):
        path = f"/v2/repository/models/{{name}}/{verb}"
        done = {"type": "object"}
        paths[path] = _post(verb, f"{verb.capitalize()}s all versions", _schema("Control"), done, 403, 404)
        paths[path]["parameters"] = [{"$ref": "#/components/parameters/name"}]
    for base, suffix, parameters in (
        ("/v2/models/{name}", "", ["name"]),
        ("/v2/models/{name}/versions/{version}", "Version", ["name", "version"]),
    ):
        added = {
            base: _get(f"model{suffix}", "The model's inputs and outputs", _schema("Model"), 404, 503),
            f"{base}/ready": _get(f"modelReady{suffix}", "The model can be asked", ready, 404, 503),
            f"{base}/sketches": _sketches(f"sketches{suffix}"),
            f"{base}/infer": _infer(f"infer{suffix}", slots),
        }
        for item in added.values():
            item["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in parameters]
        paths |= added
    return paths


def _sketches(identity: str) -> Json:
    item = _get(
        identity,
        "What was seen of the inputs and outputs, and the requests by code and latency",
        _schema("Sketches"),
        400,
        404,
        503,
    )
    window = {"type": "string", "pattern": "^(all|[1-9][0-9]{0,5}[smh])$"}
    item["get"]["parameters"] = [
        {"name": "window", "in": "query", "description": "all, or a time up to 1h: 90s, 15m", "schema": window},
        *(
            {
                "name": name,
                "in": "query",
                "description": "Unix seconds, instead of window",
                "schema": {"type": "number"},
            }
            for name in ("since", "until")
        ),
        {"name": "answers", "in": "query", "description": "with a sample of them", "schema": {"type": "boolean"}},
    ]
    return item


def _infer(identity: str, slots: list[Slot]) -> Json:
    item = _post(identity, "The predictions", _schema("Request"), _schema("Answer"), 404, 503, required=True)
    operation = item["post"]
    length = {"type": "integer", "minimum": 1}
    header = "Inference-Header-Content-Length"
    description = "The bytes of JSON before the binary data"
    operation["parameters"] = [{"name": header, "in": "header", "description": description, "schema": length}]
    operation["responses"]["200"]["content"]["application/octet-stream"] = {}
    operation["responses"]["200"]["headers"] = {header: {"description": description, "schema": length}}
    examples = {slot.name: {"value": example(slot.model.manifest)} for slot in slots[:20] if slot.model is not None}
    if examples:
        operation["requestBody"]["content"]["application/json"]["examples"] = examples
    return item


def _object(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "required": required, "properties": properties}


def _array(items: Json, **more: Any) -> Json:
    return {"type": "array", "items": items, **more}


_TEXT: Json = {"type": "string"}
_SIZE: Json = {"type": "integer", "minimum": 0}
_DATATYPE: Json = {"type": "string", "enum": [TEXT, *NUMBERS]}
_SHAPE = _array({"type": "integer", "minimum": 1}, minItems=1, maxItems=2)
_DATA: Json = {"type": "array", "description": "Row by row, flat or nested; a missing value is null."}
_ANY: Json = {"type": "object"}
_COUNTS: Json = {"type": "object", "propertyNames": {"pattern": "^[0-9]+$"}, "additionalProperties": _SIZE}
_COLUMNS: Json = {
    "type": "object",
    "description": "Of each input the type of its column; of a Timestamp its format [ISO 8601] and its zone [UTC].",
    "additionalProperties": _object([], type=_TEXT, format=_TEXT, timeZone=_TEXT),
}
_SIGNATURE = _array(
    _object(["name", "datatype", "shape"], name=_TEXT, datatype=_DATATYPE, shape=_array({"type": "integer"}))
)
_SCHEMAS: Json = {
    "Error": _object(["error"], error=_TEXT),
    "Server": _object(["name", "version", "extensions"], name=_TEXT, version=_TEXT, extensions=_array(_TEXT)),
    "Names": _object(["models"], models=_array(_TEXT)),
    "Model": _object(
        ["name", "versions", "platform", "inputs", "outputs"],
        name=_TEXT,
        versions=_array(_TEXT),
        platform=_TEXT,
        inputs=_SIGNATURE,
        outputs=_SIGNATURE,
        parameters=_object(["digest", "classes", "columns"], digest=_TEXT, classes=_array(_TEXT), columns=_COLUMNS),
    ),
    "Sketches": _object(
        ["version", "model", "modelVersion", "digest", "start", "end", "predictions", "columns", "requests"],
        version={"type": "integer"},
        model=_TEXT,
        modelVersion=_TEXT,
        digest=_TEXT,
        start={"type": "number"},
        end={"type": "number"},
        predictions=_SIZE,
        columns=_array(
            _object(
                ["name", "role", "kind", "count", "missing"],
                name=_TEXT,
                role={"type": "string", "enum": ["Input", "Output"]},
                kind={"type": "string", "enum": ["Number", "Text"]},
                count=_SIZE,
                missing=_SIZE,
                unseen=_SIZE,
                quantiles=_TEXT,
                frequent=_TEXT,
                distinct=_TEXT,
            )
        ),
        requests=_object(["codes", "latencies"], codes=_COUNTS, latencies=_COUNTS),
        answers=_object(
            ["kind", "level", "entries"],
            kind={"type": "string", "enum": ["Labels", "Numbers"]},
            level=_SIZE,
            entries=_TEXT,
        ),
    ),
    "Index": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
    "Models": _array(
        _object(
            ["name", "version", "state", "reason"],
            name=_TEXT,
            version=_TEXT,
            state={"type": "string", "enum": ["READY", "LOADING", "UNAVAILABLE"]},
            reason=_TEXT,
        )
    ),
    "Control": {
        "type": "object",
        "properties": {
            "parameters": {
                "type": "object",
                "properties": {"unload_dependents": {"type": "boolean"}},
                "additionalProperties": False,
            }
        },
    },
    "Request": _object(
        ["inputs"],
        id={
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_ID,
            "description": "Comes back; the prediction's id [the header x-request-id, else a new one].",
        },
        parameters=_ANY | {"properties": {"binary_data_output": {"type": "boolean"}}},
        inputs=_array(
            _object(
                ["name", "datatype", "shape"],
                name=_TEXT,
                datatype=_DATATYPE,
                shape=_SHAPE,
                data=_DATA,
                parameters=_ANY | {"properties": {"binary_data_size": _SIZE}},
            ),
            minItems=1,
        ),
        outputs=_array(
            _object(["name"], name=_TEXT, parameters=_ANY | {"properties": {"binary_data": {"type": "boolean"}}})
        ),
    ),
    "Answer": _object(
        ["model_name", "model_version", "id", "outputs"],
        model_name=_TEXT,
        model_version=_TEXT,
        id=_TEXT,
        outputs=_array(
            _object(
                ["name", "datatype", "shape"],
                name=_TEXT,
                datatype=_DATATYPE,
                shape=_SHAPE,
                data=_DATA,
                parameters=_object(["binary_data_size"], binary_data_size=_SIZE),
            )
        ),
    ),
}
