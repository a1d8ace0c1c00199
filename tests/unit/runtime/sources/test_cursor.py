"""Checks the cursor of a query: which rows a look asks for, each once, and what is no cursor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_api.fields.cursor import Cursor
from modelyard_api.fields.sources import SQLSource
from modelyard_api.wire.result import IngestResult, LookResult
from modelyard_api.wire.task import Previous
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.sources.cursor import Watch, above, start
from tests.support.postgres import Postgres, postgres
from tests.unit.runtime.sources.looks import Looks

QUERY = "SELECT * FROM orders"
EAST = timezone(timedelta(hours=2))


def source(column: str | None = "a", query: str = QUERY) -> SQLSource:
    return SQLSource.model_validate({"query": query, "secretRef": {"name": "db"}, "cursor": column})


def read(values: list[Any], since: Cursor | None = None) -> Watch:
    watch = Watch(source(), ["y", "a"], since)
    watch.take([("x", value) for value in values])
    return watch


def seen(*values: Any) -> Cursor:
    cursor = read(list(values)).end()
    assert cursor is not None
    return cursor


@pytest.mark.parametrize(
    ("values", "kind", "value", "asked"),
    [
        ([1, 3, 2], "Number", "3", "3"),
        ([-5], "Number", "-5", "-5"),
        ([2**80], "Number", str(2**80), str(2**80)),
        ([0.1, 1e-5], "Number", "0.1", "0.1"),
        ([1, Decimal("1.10")], "Number", "1.10", "1.10"),
        ([Decimal("1E+3")], "Number", "1000", "1000"),
        ([date(2026, 1, 2)], "Date", "2026-01-02", "DATE '2026-01-02'"),
        ([datetime(2026, 1, 2, 3, 4, 5, 6)], "Timestamp", "2026-01-02 03:04:05.000006",
         "TIMESTAMP '2026-01-02 03:04:05.000006'"),
        ([datetime(2026, 1, 2, 3, tzinfo=EAST), datetime(2026, 1, 2, 2, tzinfo=UTC)], "Instant",
         "2026-01-02 02:00:00+00:00", "CAST('2026-01-02 02:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)"),
    ],
)  # fmt: skip
def test_the_greatest_value_is_what_the_next_look_asks_above(
    values: list[Any], kind: str, value: str, asked: str
) -> None:
    cursor = seen(*values)
    assert (cursor.column, cursor.kind, cursor.value) == ("a", kind, value)
    assert above(f"{QUERY} ; ", cursor, '"a"') == (
        f'SELECT * FROM (\n{QUERY} \n) AS modelyard_rows WHERE "a" > {asked} OR "a" IS NULL'
    )


@pytest.mark.parametrize(
    ("values", "since", "says"),
    [
        (["x"], None, "holds str"),
        ([True], None, "holds bool"),
        ([float("nan")], None, "'nan'"),
        ([float("-inf")], None, "'-inf'"),
        ([Decimal("NaN")], None, "NaN"),
        ([Decimal("Infinity")], None, "Infinity"),
        ([1, date(2026, 1, 1)], None, "after values that are each a Number"),
        ([date(2026, 1, 1), datetime(2026, 1, 1)], None, "after values that are each a Date"),
        ([datetime(2026, 1, 1)], datetime(2025, 1, 1, tzinfo=UTC), "after values that are each a Instant"),
        ([3], 3, "for greater than 3"),
        ([datetime(2026, 1, 1)], datetime(2026, 1, 1), "of no more than microseconds"),
        ([Decimal("1." + "1" * 70)], None, "more than 64 digits"),
    ],
)
def test_what_has_no_order_is_no_cursor(values: list[Any], since: Any, says: str) -> None:
    with pytest.raises(UserError) as caught:
        read(values, None if since is None else seen(since)).end()
    assert (caught.value.reason, caught.value.field) == ("CursorUnordered", "spec.source.sql.cursor")
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("cursor", "previous", "goes_on"),
    [
        ("a", None, False),
        ("a", seen(1), True),
        ("b", seen(1), False),
        ("a", seen(1).model_copy(update={"query": "sha256:" + "0" * 64}), False),
    ],
)
def test_rows_of_another_query_are_not_gone_on_from(cursor: str, previous: Cursor | None, goes_on: bool) -> None:
    before = Previous(name="d-1", uri="mlflow-artifacts:/d", digest="", columns=[], cursor=previous)
    assert (start(source(cursor), before) == previous) is (goes_on or previous is None)
    assert start(source(cursor), None) is None


class Table(Looks):
    """A query that is appended, in a database whose ``run`` runs SQL."""

    def __init__(self, folder: Path, url: str, run: Callable[[str], Any], **given: Any) -> None:
        sql = {"query": QUERY, "secretRef": {"name": "db"}, "cursor": "at", **given}
        super().__init__(folder, {"url": url}, sql=sql, arrival="Append")
        self.run, self.latest = run, None

    latest: IngestResult | None

    def arrive(self, **more: Any) -> IngestResult | LookResult:
        """Looks as the operator has it looked: with the latest version."""
        previous = None
        if self.latest is not None:
            given = {name: getattr(self.latest, name) for name in ("uri", "digest", "columns", "cursor")}
            previous = Previous(name="d-1", **given)
        result = self.look(previous=previous, **more)
        if isinstance(result, IngestResult):
            self.latest = result
        return result

    def put(self, *rows: int, at: str | None = None) -> None:
        for row in rows:
            value = f"timestamp '2026-01-01' + {row} * interval '1 microsecond'" if at is None else at
            self.run(f"INSERT INTO orders VALUES ({row}, {value}, '{'yes' if row % 3 else 'no'}')")

    def values(self) -> list[int]:
        assert self.latest is not None
        parts = [self.store.files[f"{self.latest.uri}/{part}.parquet"] for part in ("train", "test")]
        return sorted(value for part in parts for value in pq.read_table(pa.BufferReader(part))["a"].to_pylist())


CREATE = 'CREATE TABLE orders (a bigint, "at" timestamp, y varchar)'
"""The cursor's name is a word of DuckDB's."""


def _duck(folder: Path, **given: Any) -> Table:
    path = folder / "t.duckdb"

    def run(sql: str) -> None:
        with duckdb.connect(path) as connection:
            connection.execute(sql)

    run(CREATE)
    return Table(folder, f"duckdb:///{path}", run, **given)


@pytest.fixture(scope="module")
def server(address: str) -> Any:
    with postgres(address) as running:
        yield running


@pytest.fixture(params=["duckdb", "postgresql"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    if request.param == "duckdb":
        return _duck(tmp_path)
    server: Postgres = request.getfixturevalue("server")
    server.sql("DROP TABLE IF EXISTS orders", CREATE)
    return Table(tmp_path, server.url(), server.sql)


def test_each_row_comes_once_and_no_row_is_no_version(table: Table) -> None:
    table.put(*range(20))
    table.arrive()
    look = table.arrive()
    assert isinstance(look, LookResult)
    assert look.reason == "Unchanged"
    table.put(*range(20, 30))
    table.arrive()
    assert table.values() == list(range(30))
    assert table.latest is not None
    assert table.latest.cursor is not None
    assert table.latest.cursor.value == "2026-01-01 00:00:00.000029"
    assert isinstance(table.arrive(), LookResult)


def test_rows_without_a_value_are_told_and_come_once_they_have_one(table: Table) -> None:
    table.put(*range(20))
    table.put(20, 21, at="NULL")
    first = table.arrive()
    assert isinstance(first, IngestResult)
    assert [(doubt.reason, doubt.column, doubt.count) for doubt in first.doubts] == [("RowsLeftOut", "at", 2)]
    look = table.arrive()
    assert isinstance(look, LookResult)
    assert look.reason == "RowsLeftOut"
    assert "2 rows have no value in 'at'" in look.message
    table.run("UPDATE orders SET \"at\" = timestamp '2026-02-01' WHERE a = 20")
    table.arrive()
    assert table.values() == list(range(21))


def test_another_spec_makes_a_version_of_the_rows_that_were_taken(table: Table) -> None:
    table.put(*range(20))
    table.arrive()
    table.run("DELETE FROM orders")
    again = table.arrive(remake=True)
    assert isinstance(again, IngestResult)
    assert table.values() == list(range(20))
    table.put(*range(20, 25))
    table.arrive()
    assert table.values() == list(range(25))


def test_another_query_is_read_from_its_beginning(table: Table) -> None:
    table.put(*range(20))
    table.arrive()
    table._given["sql"]["query"] = f"{QUERY} WHERE a < 18"
    table.arrive(remake=True)
    assert table.values() == list(range(18))


@pytest.mark.parametrize(
    ("given", "says"), [({"cursor": "b"}, "no column 'b'; it gives a, at, y"), ({}, "no row has a value in 'at'")]
)
def test_a_query_without_a_cursor_is_refused(tmp_path: Path, given: dict[str, str], says: str) -> None:
    table = _duck(tmp_path, **given)
    table.put(*range(20), at="NULL")
    with pytest.raises(UserError) as caught:
        table.arrive()
    assert caught.value.reason == "CursorMissing"
    assert says in caught.value.message


def test_a_column_of_any_name_is_a_cursor(tmp_path: Path) -> None:
    name = 'a "%(x)s" :b %%'
    quoted = '"' + name.replace('"', '""') + '"'
    table = _duck(tmp_path, cursor=name, query=f"SELECT a, y, a AS {quoted} FROM orders ORDER BY a -- all")
    for first in (0, 20):
        table.put(*range(first, first + 20))
        table.arrive()
    assert table.values() == list(range(40))


def test_a_query_that_can_be_no_part_of_another_is_refused_at_once(tmp_path: Path) -> None:
    table = _duck(tmp_path, query=f"{QUERY}; -- all")
    table.put(*range(20))
    with pytest.raises(UserError) as caught:
        table.arrive()
    assert caught.value.reason == "QueryFailed"


def test_times_that_are_finer_than_what_is_kept_are_refused(tmp_path: Path) -> None:
    """Rows would come twice."""
    table = _duck(tmp_path)
    table.run('ALTER TABLE orders ALTER "at" TYPE timestamp_ns')
    table.put(*range(20), at="timestamp_ns '2026-01-01 00:00:00.000000001'")
    table.arrive()
    with pytest.raises(UserError) as caught:
        table.arrive()
    assert caught.value.reason == "CursorUnordered"
