"""Checks what requests by REST and by gRPC may say of texts, booleans, times and large numbers, at a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from tests.unit.runtime.memory import MemoryStore, lay_down, run_train
from tests.unit.runtime.typed import laid
from tests.unit.server.serving import NAME, Served, running

ROWS, FIRST = 240, 1_767_225_600_000
START = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = {"country": ("BYTES", "DE"), "flag": ("BOOL", False), "at": ("BYTES", "2026-01-02"), "ms": ("INT64", FIRST)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A model that answers the row's four decisive facts: is the country missing, the flag, the day, the time."""
    rows = range(ROWS)
    columns: dict[str, Any] = {
        "country": [(None, "DE", "caf\u00e9")[index % 3] for index in rows],
        "flag": [index % 2 == 0 for index in rows],
        "at": pa.array([START + timedelta(hours=5 * (index * 77 % ROWS)) for index in rows], pa.timestamp("us", "UTC")),
        "ms": [FIRST + index for index in rows],
    }
    table = pa.table(columns)
    facts = zip(columns["country"], columns["flag"], table["at"].to_pylist(), rows, strict=True)
    answers = [f"{country} {flag} {at.day > 15} {index > 120}" for country, flag, at, index in facts]
    types = {"country": "Category", "flag": "Boolean", "ms": "Integer", "y": "Category"}
    types_of = types | {"at": {"type": "Timestamp", "format": "%d.%m.%Y", "timeZone": "Europe/Berlin"}}
    store, folder = MemoryStore(), tmp_path_factory.mktemp("meaning")
    data = laid(store, table.append_column("y", pa.array(answers)), "y", types_of, missing=["", "NA", "None"])
    result = run_train(store, data, "DecisionTreeClassifier", {"random_state": 0})
    with running(lay_down(store, result, folder / "model"), folder) as served:
        yield served


def ask(server: Served, **changed: tuple[str, Any]) -> tuple[int, Any]:
    inputs = [
        {"name": name, "shape": [1], "datatype": datatype, "data": [value]}
        for name, (datatype, value) in (PLAIN | changed).items()
    ]
    status, body = server.infer({"inputs": inputs})
    return status, body["outputs"][0]["data"][0] if status == 200 else body["error"]


@pytest.mark.parametrize(
    ("column", "ways"),
    [
        ("country", [("BYTES", None), ("BYTES", ""), ("BYTES", "NA"), ("BYTES", " None\u00a0")]),
        ("country", [("BYTES", "caf\u00e9"), ("BYTES", "cafe\u0301"), ("BYTES", " caf\u00e9 ")]),
        ("flag", [("BOOL", True), ("FP32", True), ("FP32", 1.0), ("INT64", 1), ("BYTES", "true"), ("BYTES", " Yes")]),
        ("at", [("BYTES", "2026-01-20"), ("BYTES", "20.01.2026"), ("BYTES", "2026-01-19T23:30:00Z")]),
        ("ms", [("INT64", FIRST + 180), ("FP64", float(FIRST + 180)), ("FP32", FIRST + 180)]),
    ],
)
def test_a_value_may_be_written_in_many_ways(server: Served, column: str, ways: list[tuple[str, Any]]) -> None:
    answers = {str(ask(server, **{column: way})) for way in ways}
    assert len(answers) == 1, answers
    assert answers != {str(ask(server))}


@pytest.mark.parametrize(
    ("column", "way", "message"),
    [
        ("flag", ("FP32", 2), "input 'flag': element 0 is 2: a Boolean is true, false, 1 or 0, as BOOL or FP32"),
        ("flag", ("BYTES", "perhaps"), "input 'flag': element 0 is \"perhaps\": a Boolean is true, false, 1 or 0"),
        ("ms", ("FP32", True), "input 'ms': element 0 is true: FP32 holds numbers"),
        ("at", ("BYTES", "31.02.2026"), "is \"31.02.2026\": a Timestamp is of the format '%d.%m.%Y', or a text"),
        ("at", ("INT64", 5), "input 'at': datatype \"INT64\": a Timestamp is of the format '%d.%m.%Y'"),
        ("country", ("FP32", 5), "input 'country': datatype \"FP32\": a text is BYTES"),
    ],
)  # fmt: skip
def test_what_a_column_does_not_hold_is_refused(server: Served, column: str, way: Any, message: str) -> None:
    status, answer = ask(server, **{column: way})
    assert status == 400
    assert message in answer


@pytest.mark.parametrize("raw", [True, False])
def test_grpc_means_the_same(server: Served, raw: bool) -> None:
    columns = {
        "country": ("BYTES", np.array([" NA", "cafe\u0301"], dtype=object)),
        "flag": ("BOOL", np.array([True, False])),
        "at": ("BYTES", np.array(["20.01.2026", "2026-01-05T10:00Z"], dtype=object)),
        "ms": ("INT64", np.array([FIRST + 5, FIRST + 235])),
    }
    with InferenceServerClient(f"127.0.0.1:{server.grpc_port}") as client:
        inputs = [InferInput(name, [2], datatype) for name, (datatype, _) in columns.items()]
        for tensor, (datatype, values) in zip(inputs, columns.values(), strict=True):
            tensor.set_data_from_numpy(values)
            if not raw:
                _typed(tensor, datatype, values)
        result = client.infer(NAME, inputs)
        labels = result.as_numpy("label") if raw else result.get_response().outputs[0].contents.bytes_contents
    answer = [label.decode() for label in labels]
    online = [
        ask(server, country=("BYTES", None), flag=("FP32", 1), at=("BYTES", "2026-01-20"), ms=("FP64", FIRST + 5))[1],
        ask(server, country=("BYTES", "caf\u00e9"), at=("BYTES", "2026-01-05 11:00"), ms=("FP64", FIRST + 235))[1],
    ]
    assert answer == online
    assert answer[0] == "None True True False"


def _typed(tensor: InferInput, datatype: str, values: np.ndarray) -> None:
    """Moves the values from raw bytes into the typed contents of the message."""
    tensor._raw_content = None
    field = {"BYTES": "bytes_contents", "BOOL": "bool_contents", "INT64": "int64_contents"}[datatype]
    listed = [value.encode() if isinstance(value, str) else value for value in values.tolist()]
    getattr(tensor._input.contents, field).extend(listed)


def test_the_metadata_tells_what_to_send(server: Served) -> None:
    _, body = server.get(f"/v2/models/{NAME}")
    assert {item["name"]: item["datatype"] for item in body["inputs"]} == {
        "country": "BYTES",
        "flag": "FP32",
        "at": "BYTES",
        "ms": "FP64",
    }
    assert body["parameters"]["columns"]["at"] == {
        "type": "Timestamp",
        "format": "%d.%m.%Y",
        "timeZone": "Europe/Berlin",
    }
    _, document = server.get("/openapi.json")
    examples = document["paths"]["/v2/models/{name}/infer"]["post"]["requestBody"]["content"]["application/json"]
    assert server.infer(examples["examples"][NAME]["value"])[0] == 200


def test_what_is_observed_is_what_was_asked_for(server: Served) -> None:
    for _ in range(3):
        ask(server, country=("BYTES", "NA"))
    _, sketches = server.get(f"/v2/models/{NAME}/sketches")
    columns = {column["name"]: column for column in sketches["columns"] if column["role"] == "Input"}
    assert {name: column["kind"] for name, column in columns.items()} == {
        "country": "Text",
        "flag": "Number",
        "at": "Number",
        "ms": "Number",
    }
    assert columns["country"]["missing"] >= 3
