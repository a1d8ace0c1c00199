"""Compares the two readers of model.json: pydantic's, which verifies a model, and the server's, which serves it.

The server must read whatever was verified, and read it as the same. It may read more: a digest stands before it.
"""

from __future__ import annotations

import copy
import json
from typing import Any, get_args

import pytest

from modelyard_api.fields import artifact
from modelyard_api.fields.artifact import MODEL_JSON, Format, canonical
from modelyard_models.texts import words
from modelyard_runtime.models.package import parse
from modelyard_server import manifest as server
from modelyard_server.manifest import ModelError
from tests.unit.runtime.memory import MemoryStore, data_of, run_ingest, run_train

Position = tuple[str | int, ...]
RUNS: dict[str, tuple[str, dict[str, Any], str, list[str]]] = {
    "tensor": ("LogisticRegression", {}, "text", ["colour", "whole", "value", "at"]),
    "columns": ("DecisionTreeClassifier", {}, "whole", ["text", "value", "at"]),
    "regression": ("Ridge", {}, "value", ["text", "whole"]),
    "skops": ("KNeighborsClassifier", {"weights": "distance"}, "text", ["whole", "value", "at"]),
}
"""Algorithm, parameters, target and ignored columns: both formats and layouts; classes are texts, numbers or none."""
VALUES = [..., None, True, 0, 1, -1, 2**70, 0.5, "", "1", "Tensor", "ONNX", "Skops", [], {}, [1], ["a"], {"a": "b"}]
"""What is put in the place of a value; ``...`` leaves it out."""


@pytest.fixture(scope="module", params=RUNS)
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model.json that a training run writes."""
    folder = tmp_path_factory.mktemp("tables")
    rows = [f"{x}.5,{x % 5},{'rgb'[x % 3]},{'ny'[x % 2]},{x % 2},{x / 3},2026-01-{x % 28 + 1:02}" for x in range(60)]
    (folder / "t.csv").write_text("a,b,colour,text,whole,value,at\n" + "\n".join(rows) + "\n")
    algorithm, params, target, ignore = RUNS[request.param]
    store = MemoryStore()
    data = data_of(run_ingest(folder, "t.csv", store, target=target, ignore=ignore))
    result = run_train(store, data, algorithm, params)
    return store.files[f"{result.artifact_uri}/{MODEL_JSON}"]


def test_the_server_reads_what_was_verified_as_the_same(document: bytes) -> None:
    assert is_verified(document)
    changed = [change(document, position, value) for position in positions(json.loads(document)) for value in VALUES]
    assert {True, False} == {is_verified(data) for data in changed}


def test_the_servers_constants_are_those_of_the_api() -> None:
    """The server has its own, since those of the API come with pydantic."""
    assert server.MODEL_JSON == artifact.MODEL_JSON
    assert set(server.PLATFORMS) == set(get_args(Format))
    assert server.sha256(b"bytes") == artifact.sha256(b"bytes")


def is_verified(data: bytes) -> bool:
    """Returns whether evaluation accepts the document; then the server must read the same."""
    try:
        verified = parse(data)
    except ValueError:
        return False
    try:
        served = server.parse(data)
    except ModelError as error:
        pytest.fail(f"the server refuses what was verified: {error}: {data.decode()}")
    signature = verified.signature
    assert served.digest == artifact.sha256(data)
    assert (served.format, served.task, served.layout) == (verified.format, verified.task, verified.layout)
    assert (served.file, served.file_digest) == (verified.file, verified.file_digest)
    assert [(item.name, item.datatype) for item in served.inputs] == [
        (item.name, item.datatype) for item in signature.inputs
    ]
    assert [(item.name, item.datatype, list(item.shape)) for item in served.outputs] == [
        (item.name, item.datatype, item.shape) for item in signature.outputs
    ]
    assert list(served.classes) == signature.classes
    assert (served.example_inputs, served.example_outputs) == (verified.example.inputs, verified.example.outputs)
    assert served.categories == verified.categories
    assert served.missing == words(["", *verified.missing])
    assert [(item.type, item.format, item.time_zone) for item in served.inputs] == [
        (item.type, item.format, item.time_zone) for item in signature.inputs
    ]
    assert [(item.name, item.column, item.part, item.offset) for item in served.features] == [
        (item.name, item.column, item.part, item.offset) for item in verified.features
    ]
    return True


def positions(document: Any, at: Position = ()) -> list[Position]:
    """Returns the positions of all values in a document, but of a list's items only that of the first."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document[:1])
    return [*([at] if at else []), *(path for key, value in items for path in positions(value, (*at, key)))]


def change(data: bytes, position: Position, value: Any) -> bytes:
    document = json.loads(data)
    parent = document
    for part in position[:-1]:
        parent = parent[part]
    if value is ...:
        del parent[position[-1]]
    else:
        parent[position[-1]] = copy.deepcopy(value)
    return canonical(document)
