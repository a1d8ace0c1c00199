"""Checks queries in databases, by a real PostgreSQL and DuckDB: types, what writes, hangs, is denied or goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_api.fields.sources import SQLSource
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.tables.sources import database
from modelyard_runtime.tables.sources.fetch import Budget
from modelyard_runtime.tables.sources.keys import Keys
from tests.common.ports import free_port
from tests.support.postgres import PASSWORD, Postgres, postgres
from tests.unit.runtime.sources.looks import Looks


@pytest.fixture(scope="module")
def server(address: str) -> Iterator[Postgres]:
    with postgres(address) as running:
        running.sql(
            "CREATE TABLE orders AS SELECT i AS a, CASE WHEN i % 3 = 0 THEN 'no' ELSE 'yes' END AS y "
            "FROM generate_series(0, 29) AS i",
            "CREATE TABLE secret (a int)",
            "CREATE SEQUENCE numbers",
            "CREATE USER stranger PASSWORD 'open-sesame'",
        )
        yield running


def ask(folder: Path, url: str, query: str, **more: Any) -> pa.Table:
    (folder / "url").write_text(url)
    source = SQLSource.model_validate({"query": query, "secretRef": {"name": "db"}, **more})
    return pq.read_table(database.spooled(source, Keys(folder), Budget(1 << 30)).path)


def fails(folder: Path, url: str, query: str, kind: Any = UserError, **more: Any) -> Any:
    with pytest.raises(kind) as caught:
        ask(folder, url, query, **more)
    assert PASSWORD not in caught.value.message
    return caught.value


def test_a_query_becomes_a_version(tmp_path: Path, server: Postgres) -> None:
    looks = Looks(tmp_path, {"url": server.url()}, sql={"query": "SELECT * FROM orders", "secretRef": {"name": "db"}})
    result = looks.read()
    assert (result.rows, [column.type for column in result.columns]) == (30, ["Integer", "Category"])
    assert looks.read().version_id == result.version_id


def test_types_are_kept(tmp_path: Path, server: Postgres) -> None:
    table = ask(
        tmp_path,
        server.url(),
        """SELECT 1::int8 AS whole, 1.10::numeric AS exact, 12345678901234567890.123::numeric AS long,
        0.5::float8 AS float, true AS flag, 'x'::text AS text, 'x'::varchar AS vary,
        '6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid AS id, date '2026-01-02' AS day,
        timestamp '2026-01-02 03:04:05' AS local, timestamptz '2026-01-02 03:04:05+02' AS instant,
        NULL::int AS nothing, time '10:11:12' AS clock, '50%'::text AS percent, ' :name' AS colon""",
    )
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        **{"whole": "int64", "exact": "decimal128(3, 2)", "long": "decimal128(23, 3)", "float": "double"},
        **{"flag": "bool", "text": "string", "vary": "string", "id": "string", "day": "date32[day]"},
        **{"local": "timestamp[us]", "instant": "timestamp[us, tz=UTC]", "nothing": "string", "clock": "string"},
        **{"percent": "string", "colon": "string"},
    }
    row = table.to_pylist()[0]
    assert str(row["long"]) == "12345678901234567890.123"
    assert row["instant"].isoformat() == "2026-01-02T01:04:05+00:00"
    assert (row["percent"], row["colon"]) == ("50%", " :name")


def test_a_column_without_a_value_at_first_gets_its_type_later(tmp_path: Path, server: Postgres) -> None:
    query = "SELECT CASE WHEN i > 20000 THEN i * 0.01 END AS late, i FROM generate_series(1, 20002) AS i ORDER BY i"
    table = ask(tmp_path, server.url(), query)
    assert (len(table), table["late"].null_count) == (20002, 20000)
    assert pa.types.is_decimal(table.schema.field("late").type)


@pytest.mark.parametrize(
    ("query", "reason", "says"),
    [
        ("INSERT INTO orders VALUES (1, 'x') RETURNING a", "QueryWrites", "INSERT"),
        ("WITH x AS (DELETE FROM orders RETURNING a) SELECT * FROM x", "QueryFailed", "data-modifying"),
        ("SELECT nextval('numbers')", "QueryWrites", "read-only"),
        ("SELECT 1 AS a; COMMIT; DROP TABLE orders", "QueryFailed", "multiple commands"),
        ("SELECT * FROM nowhere", "QueryFailed", "nowhere"),
        ("SELECT a FRM orders", "QueryFailed", "syntax"),
        ("SELECT 1/(a - a) FROM orders", "QueryFailed", "division"),
        ("SELECT a, a FROM orders", "DuplicateColumn", "'a'"),
        ("SELECT '{}'::json AS j", "ColumnType", "'j'"),
        ("SELECT ARRAY[1] AS l", "ColumnType", "'l'"),
        ("SELECT 'x'::bytea AS b", "ColumnType", "'b'"),
        ("SELECT interval '1 day' AS i", "ColumnType", "'i'"),
    ],
)
def test_what_a_query_may_not_is_told(tmp_path: Path, server: Postgres, query: str, reason: str, says: str) -> None:
    error = fails(tmp_path, server.url("writer"), query)
    assert error.reason == reason, error.message
    assert says in error.message
    assert server.sql("SELECT count(*) FROM orders") == [(30,)]


def test_a_query_that_runs_for_ever_ends(tmp_path: Path, server: Postgres) -> None:
    start = time.monotonic()
    error = fails(tmp_path, server.url(), "SELECT pg_sleep(600)", timeout="1s")
    assert error.reason == "QueryTooLong"
    assert time.monotonic() - start < 20
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    assert fails(tmp_path, server.url(), endless, timeout="2s").reason == "QueryTooLong"


@pytest.mark.parametrize(
    ("user", "password", "query", "reason"),
    [
        ("reader", "wrong-password", "SELECT 1", "SourceDenied"),
        ("nobody-there", PASSWORD, "SELECT 1", "SourceDenied"),
        ("stranger", PASSWORD, "SELECT * FROM secret", "SourceDenied"),
    ],
)
def test_who_may_not_read_is_told(
    tmp_path: Path, server: Postgres, user: str, password: str, query: str, reason: str
) -> None:
    error = fails(tmp_path, server.url(user, password), query)
    assert error.reason == reason, error.message
    assert password not in error.message


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("no url at all", "KeyInvalid"),
        ("nothing+known://u:open-sesame@h/d", "KeyInvalid"),
        ("postgresql://u:open-sesame@127.0.0.1/d", "AddressRefused"),
        ("postgresql://u:open-sesame@/d?host=localhost", "AddressRefused"),
        ("postgresql://u:open-sesame@169.254.169.254:80/d", "AddressRefused"),
    ],
)
def test_an_address_that_is_none_is_not_quoted(tmp_path: Path, url: str, reason: str) -> None:
    assert fails(tmp_path, url, "SELECT 1").reason == reason


def test_a_database_that_is_not_there_is_asked_again(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "TRIES", 1)
    url = f"postgresql://u:{PASSWORD}@{address}:{free_port()}/d"
    assert fails(tmp_path, url, "SELECT 1", Retriable).reason == "SourceUnreachable"


def test_a_database_that_goes_away_in_the_middle_is_asked_again(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half of the first answer is in the table: it is that of one moment."""
    with postgres(address) as own:
        asked = threading.Event()
        original = database.batch_of

        def slow(*arguments: Any) -> pa.RecordBatch:
            if not asked.is_set():
                asked.set()
                own.stop()
                threading.Thread(target=own.start).start()
            return original(*arguments)

        monkeypatch.setattr(database, "batch_of", slow)
        folder = tmp_path / "keys"
        folder.mkdir()
        table = ask(folder, own.url("writer"), "SELECT i FROM generate_series(1, 200000) AS i")
        assert asked.is_set()
        assert table["i"].to_pylist() == list(range(1, 200001))


def test_duckdb_is_read_only_and_locked_in(tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT i AS a, i * 1.5 AS b FROM range(100) AS r(i)")
    assert len(ask(tmp_path, f"duckdb:///{path}", "SELECT * FROM t")) == 100
    assert fails(tmp_path, f"duckdb:///{path}", "INSERT INTO t VALUES (1, 1) RETURNING a").reason == "QueryWrites"
    for query in ("SELECT * FROM read_text('/etc/passwd')", f"FROM read_csv('{tmp_path}/url')", "LOAD httpfs"):
        assert fails(tmp_path, f"duckdb:///{path}", query).reason == "QueryFailed"
    assert fails(tmp_path, f"duckdb:///{tmp_path}/nowhere.duckdb", "SELECT 1").reason == "SourceNotFound"
    endless = "SELECT sum(a.i * b.i % 7) AS s FROM range(10000000) AS a(i), range(10000000) AS b(i)"
    assert fails(tmp_path, "duckdb:///:memory:", endless, timeout="1s").reason == "QueryTooLong"
