"""Checks queries over versions of other Datasets: what they read, and that they reach nothing else in the pod."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_api.fields.artifact import sha256
from modelyard_api.fields.sources import QuerySource
from modelyard_api.wire.task import Input
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.sources import query
from modelyard_runtime.tables.sources.fetch import Budget
from tests.unit.runtime.memory import STORE, MemoryStore
from tests.unit.runtime.sources.looks import Looks

LABELS = {"id": [1, 1, 2], "seen": [10, 20, 15], "y": ["no", "yes", "yes"]}
STATES = {"id": [1, 1, 2, 2], "seen": [5, 12, 14, 16], "balance": [1.0, 2.0, 3.0, 4.0]}
ASOF = "SELECT labels.id, balance, y FROM labels ASOF JOIN states USING (id, seen) ORDER BY labels.id, labels.seen"


def given(store: MemoryStore, name: str, columns: dict[str, list[Any]]) -> Input:
    """Stores a version whose rows are in two parts, and returns it as an input."""
    table, uri, files = pa.table(columns), f"{STORE}/{name}/v1", []
    for part, rows in (("train", table.slice(0, 2)), ("test", table.slice(2))):
        out = pa.BufferOutputStream()
        pq.write_table(rows, out)
        data = out.getvalue().to_pybytes()
        store.put(f"{uri}/{part}.parquet", data)
        files.append({"name": f"{part}.parquet", "digest": sha256(data)})
    version = {"version": f"{name}-v1", "dataset": name, "digest": sha256(name.encode())}
    return Input.model_validate({"name": name, "uri": uri, "files": files, **version})


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def ask(store: MemoryStore, sql: str, **more: Any) -> pa.Table:
    inputs = [given(store, "labels", LABELS), given(store, "states", STATES)]
    names = [{"name": item.name, "datasetRef": {"name": item.dataset}} for item in inputs]
    source = QuerySource.model_validate({"from": names, "sql": sql, **more})
    return pq.read_table(query.spooled(source, inputs, store, Budget(1 << 30)))


def fails(store: MemoryStore, sql: str, **more: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        ask(store, sql, **more)
    return caught.value


def test_what_was_known_at_the_time_is_joined(store: MemoryStore) -> None:
    assert ask(store, ASOF).to_pylist() == [
        {"id": 1, "balance": 1.0, "y": "no"},
        {"id": 1, "balance": 2.0, "y": "yes"},
        {"id": 2, "balance": 3.0, "y": "yes"},
    ]


def test_a_query_becomes_a_version_with_its_inputs(tmp_path: Path, store: MemoryStore) -> None:
    looks = Looks(
        tmp_path, query={"from": [{"name": "labels", "datasetRef": {"name": "labels"}}], "sql": "FROM labels"}
    )
    result = looks.read(inputs=[given(looks.store, "labels", LABELS)])
    assert result.rows == 3
    assert [(item.name, item.dataset, item.version) for item in result.inputs] == [("labels", "labels", "labels-v1")]


def test_sums_of_whole_numbers_are_whole_numbers(store: MemoryStore) -> None:
    table = ask(store, "SELECT id, sum(seen) AS s, avg(seen) AS m, count(*) AS n FROM labels GROUP BY id ORDER BY id")
    assert [str(field.type) for field in table.schema] == ["int64", "int64", "double", "int64"]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM read_text('/etc/passwd')", "QueryFailed"),
        ("SELECT * FROM '/etc/passwd'", "QueryFailed"),
        ("SELECT * FROM glob('/modelyard/**')", "QueryFailed"),
        ("SELECT * FROM read_csv('https://example.com/t.csv')", "QueryFailed"),
        ("SELECT getenv('HOME') AS h", "QueryFailed"),
        ("COPY labels TO '/tmp/x.csv'", "QueryWrites"),
        ("CREATE TABLE t AS SELECT 1", "QueryWrites"),
        ("ATTACH '/tmp/x.duckdb'", "QueryWrites"),
        ("SET memory_limit = '100GB'", "QueryFailed"),
        ("INSTALL httpfs", "QueryFailed"),
        ("LOAD httpfs", "QueryFailed"),
        ("SELECT 1 AS a; SELECT 2 AS b", "QueryFailed"),
        ("-- nothing", "QueryFailed"),
        ("SELECT * FROM nowhere", "QueryFailed"),
        ("SELECT * FROM store", "QueryFailed"),
        ("SELECT l.id, s.id FROM labels l, states s", "DuplicateColumn"),
    ],
)
def test_nothing_but_its_inputs_is_reached(store: MemoryStore, sql: str, reason: str) -> None:
    error = fails(store, sql)
    assert error.reason == reason, error.message
    assert "root:" not in error.message


def test_a_query_that_runs_for_ever_ends(store: MemoryStore) -> None:
    start = time.monotonic()
    endless = "SELECT sum(a.i * b.i % 7) AS s FROM range(100000000) AS a(i), range(100000000) AS b(i)"
    assert fails(store, endless, timeout="1s").reason == "QueryTooLong"
    assert time.monotonic() - start < 20


def test_a_query_that_wants_more_memory_than_there_is_ends(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "_memory", lambda: 64 * 2**20)
    huge = "SELECT list(i::VARCHAR || repeat('x', 100)) AS l FROM range(10000000) AS r(i)"
    assert fails(store, huge).reason == "QueryTooLarge"
