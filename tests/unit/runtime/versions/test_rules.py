"""Checks each rule of a Dataset: what breaks it, how often, and which rows are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from modelyard_api.kinds.datasetversion import Violation
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.versions import buckets
from modelyard_runtime.tables.versions.rules.expressions import FUNCTIONS
from tests.unit.runtime.memory import MemoryStore, run_ingest
from tests.unit.runtime.versions.tables import cut, version_of

SCHEMA = pa.schema([("low", pa.float64()), ("high", pa.float64()), ("n", pa.int64()), ("c", pa.string())])


def rows(**columns: Any) -> pa.RecordBatch:
    whole = {"low": [0.5] * 100, "high": [1.5] * 100, "n": list(range(100)), "c": ["a", "b"] * 50} | columns
    return pa.RecordBatch.from_pydict(whole, schema=SCHEMA)


def broken(table: pa.RecordBatch, **spec: Any) -> list[Violation]:
    result = version_of(cut(table, 5, 9), table.schema, **spec)
    assert result["accepted"] is not bool(result["violations"])
    violations: list[Violation] = result["violations"]
    return violations


def at(number: int, value: Any, usual: Any = None) -> list[Any]:
    """Returns 100 values of which those from ``number`` on, six of them, are another one."""
    return [value if number <= index < number + 6 else index if usual is None else usual for index in range(100)]


ROWS = [52, 53, 54, 55, 56, 57]
"""The numbers of the rows from index 50 on: the first row is row 2."""
CASES: list[tuple[dict[str, Any], dict[str, Any], tuple[Any, ...]]] = [
    ({"n": at(50, -3)}, {"columns": [{"name": "n", "type": "Integer", "min": 0}]}, ("n", "min 0", 6, ["-3"], [52])),
    ({"n": at(50, 777)}, {"columns": [{"name": "n", "type": "Integer", "max": 99}]}, ("n", "max 99", 6, ["777"], [52])),
    (
        {"low": [float(1000 + index) if index >= 50 else 0.0 for index in range(56)] + [0.0] * 44},
        {"columns": [{"name": "low", "type": "Float", "max": 1}]},
        ("low", "max 1", 6, ["1050.0", "1051.0", "1052.0", "1053.0", "1054.0"], ROWS[:5]),
    ),
    (
        {"c": at(50, "x", "a")},
        {"columns": [{"name": "c", "type": "Category", "values": ["a"]}]},
        ("c", "values a", 6, ["x"], [52]),
    ),
    ({"low": at(50, 1e39, 0.5)}, {}, ("low", "finite, at most 3.4028235e+38 in size", 6, ["1e+39"], [52])),
    (
        {"low": at(50, 7.0, 0.5)},
        {"validation": {"expressions": [{"name": "order", "expr": "low <= high", "message": "low is not above high"}]}},
        (None, "order: low is not above high", 6, ["low 7.0, high 1.5"], [52]),
    ),
]


@pytest.mark.parametrize(("columns", "spec", "expected"), CASES, ids=lambda case: str(case)[:40])
def test_rows_that_break_a_rule_are_counted_and_shown(
    columns: dict[str, Any], spec: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    (violation,) = broken(rows(**columns), **spec)
    column, rule, count, examples, numbers = expected
    assert (violation.column, violation.rule) == (column, rule)
    assert violation.found == f"{count} values break it"
    assert (violation.examples, violation.rows, violation.file) == (examples, numbers, "t.csv")


@pytest.mark.parametrize("run", [1 << 18, 16])
def test_a_value_that_comes_twice_is_shown_with_its_second_row(monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    monkeypatch.setattr(buckets, "_RUN", run)
    numbers: list[Any] = list(range(100))
    numbers[40], numbers[70], numbers[71] = 7, 40, 9
    numbers[3] = numbers[4] = None
    for name, values in (("n", numbers), ("c", [None if n is None else f"name {n}" for n in numbers])):
        type_ = "Integer" if name == "n" else "Category"
        column = [{"name": name, "type": type_, "unique": True}]
        (violation,) = broken(rows(**{name: values}), columns=column)
        assert (violation.column, violation.rule, violation.found) == (name, "unique", "2 values were there before")
        shown = dict(zip(violation.examples, violation.rows, strict=True))
        assert shown == ({"7": 42, "9": 73} if name == "n" else {"name 7": 42, "name 9": 73})
        assert not broken(rows(), columns=[{"name": "n", "type": "Integer", "unique": True}])


@pytest.mark.parametrize(
    ("validation", "rule"),
    [({"minRows": 101}, "minRows 101"), ({"maxRows": 99}, "maxRows 99"), ({"minRows": 100, "maxRows": 100}, None)],
)
def test_the_number_of_rows_is_bounded(validation: dict[str, Any], rule: str | None) -> None:
    found = [(item.rule, item.found) for item in broken(rows(), validation=validation)]
    assert found == ([(f"validation.{rule}", "100 rows")] if rule else [])


@pytest.mark.parametrize(("missing", "most", "is_broken"), [(50, None, False), (51, None, True), (51, 0.51, False)])
def test_rows_without_a_target_are_counted_and_half_of_them_is_the_limit(
    tmp_path: Path, missing: int, most: float | None, is_broken: bool
) -> None:
    lines = [f"{index},{'' if index < missing else 'ab'[index % 2]}" for index in range(100)]
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(lines))
    validation = {} if most is None else {"maxDropped": most}
    result = run_ingest(tmp_path, "t.csv", target="y", validation=validation)
    assert (result.rows, result.dropped_rows, result.accepted) == (100 - missing, missing, not is_broken)
    assert [item.found for item in result.violations] == (
        [f"{missing} of 100 rows have no value in the target and are dropped"] if is_broken else []
    )


def test_the_same_rows_are_rejected_under_another_name_than_accepted(tmp_path: Path) -> None:
    """A verdict belongs to an id: what was dropped beside the same rows may reject them, and later not any more."""
    kept = "\n".join(f"{index},{'ab'[index % 2]}" for index in range(10))
    (tmp_path / "few.csv").write_text("x,y\n" + kept)
    (tmp_path / "many.csv").write_text("x,y\n" + kept + "\n" + "5,\n" * 11)
    store = MemoryStore()
    few, many = (run_ingest(tmp_path, name, store, target="y") for name in ("few.csv", "many.csv"))
    assert (few.digest, few.accepted, many.accepted) == (many.digest, True, False)
    assert few.version_id != many.version_id


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        ("low >", "syntax error"),
        ("low + 1", "it is a double; compare it"),
        ("nothing > 1", "no column 'nothing'"),
        ("low > (select max(low) from rows)", "subquery is not allowed"),
        ("low > avg(low)", "'avg' is not allowed"),
        ("low > lag(low) over ()", "window is not allowed"),
        ("low > random()", "'random' is not allowed"),
        ("now() > '2026-01-01'", "'now' is not allowed"),
        ("read_text('/etc/passwd') = 'x'", "'read_text' is not allowed"),
        ("low > 1, high > 1", "'row' is not allowed"),
        ("low > 1) from rows; drop table rows; select (true", "Only SELECT"),
        ("low > 1) from rows union all select (true", "write one expression"),
        ("low > 1) from rows limit 1 --", "syntax error"),
        ("low > 1), (high > 1", "write one expression"),
        ("c > 1", "an explicit cast is required"),
        ("cast(c as int) > 1", "Could not convert string"),
        ("repeat('x', 1000000000) = c", "'repeat' is not allowed"),
    ],
)
def test_what_is_no_expression_over_a_row_is_refused(expr: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        broken(rows(), validation={"expressions": [{"name": "bad", "expr": expr}]})
    assert refused.value.reason == "InvalidExpression"
    assert says in refused.value.message, refused.value.message


def test_an_expression_of_a_missing_value_is_not_broken_and_names_may_be_quoted() -> None:
    table = rows(low=[None] * 100).rename_columns(["lo w", "high", "n", "c"])
    expressions = [{"name": "a", "expr": '"lo w" <= high and abs(n) < 100'}, {"name": "b", "expr": "c in ('a', 'b')"}]
    assert not broken(table, validation={"expressions": expressions})


def test_an_expression_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelyard_runtime.tables.versions.rules.expressions.SECONDS", 0.2)
    schema = pa.schema([("c", pa.string())])
    texts = pa.RecordBatch.from_arrays([pa.array(["ab" * 500 + str(index) for index in range(20_000)])], schema=schema)
    slow = " and ".join(f"not regexp_matches(c, '(a|b)*c{index}')" for index in range(20))
    with pytest.raises(UserError, match=r"(?i)interrupt"):
        version_of(cut(texts, 0, 0), schema, validation={"expressions": [{"name": "slow", "expr": slow}]})


def test_all_functions_that_are_named_are_there() -> None:
    import duckdb

    names = duckdb.connect().execute("select distinct function_name from duckdb_functions()").fetchall()
    assert {name for (name,) in names} >= FUNCTIONS
