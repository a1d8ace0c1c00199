"""Checks the way from files to a dataset version: types, digests, splits, rules, and the errors of bad files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from modelyard_api.wire.sketches import read
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import MemoryStore, run_ingest

CSV = "id,size,big,flag,kind\n" + "".join(
    f"{i},{i / 2 if i % 5 else ''},{i * 1000},{'true' if i % 2 else 'false'},{'abc'[i % 3]}\n" for i in range(60)
)


def put(folder: Path, text: str = CSV, name: str = "t.csv") -> str:
    (folder / name).write_text(text)
    return name


def test_types_are_inferred(tmp_path: Path) -> None:
    result = run_ingest(tmp_path, put(tmp_path), target="kind")
    assert {column.name: column.type for column in result.columns} == {
        "id": "Identifier", "size": "Float", "big": "Integer", "flag": "Boolean", "kind": "Category",
    }  # fmt: skip
    size = next(column for column in result.columns if column.name == "size")
    assert (size.missing, size.min, size.max) == (12, 0.5, 29.5)
    assert (result.rows, result.test_rows, result.accepted) == (60, 12, True)


def test_the_same_rows_in_another_format_are_the_same_version(tmp_path: Path) -> None:
    csv = run_ingest(tmp_path, put(tmp_path), target="kind")
    table = pa.csv.read_csv(tmp_path / "t.csv")
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=7, compression="gzip")
    parquet = run_ingest(tmp_path, "t.parquet", target="kind")
    assert (csv.digest, csv.version_id) == (parquet.digest, parquet.version_id)
    (tmp_path / "parts").mkdir()
    pq.write_table(table.slice(0, 20), tmp_path / "parts" / "a.parquet")
    pq.write_table(table.slice(20), tmp_path / "parts" / "b.parquet")
    assert run_ingest(tmp_path, "parts", target="kind").version_id == csv.version_id


@pytest.mark.parametrize(
    "change",
    [{"target": "flag"}, {"ignore": ["id"]}, {"split": {"test": 0.3}}, {"validation": {"minRows": 2}},
     {"columns": [{"name": "id", "type": "Float"}]}],
)  # fmt: skip
def test_another_declaration_is_another_version(tmp_path: Path, change: dict[str, Any]) -> None:
    put(tmp_path)
    first, second = (
        run_ingest(tmp_path, "t.csv", target="kind"),
        run_ingest(tmp_path, "t.csv", **{"target": "kind"} | change),
    )
    assert first.version_id != second.version_id


def test_a_changed_value_is_another_digest(tmp_path: Path) -> None:
    first = run_ingest(tmp_path, put(tmp_path), target="kind")
    second = run_ingest(tmp_path, put(tmp_path, CSV.replace("59000", "59001")), target="kind")
    assert first.digest != second.digest


def test_a_stratified_split_keeps_shares_and_is_repeated(tmp_path: Path) -> None:
    put(tmp_path, "x,y\n" + "".join(f"{i},{'rare' if i % 10 == 0 else 'usual'}\n" for i in range(200)))
    store, second_store = MemoryStore(), MemoryStore()
    split = {"test": 0.25, "strategy": "Stratified", "seed": 3}
    result = run_ingest(tmp_path, "t.csv", store, target="y", split=split)
    assert store.files == second_store.files | store.files
    run_ingest(tmp_path, "t.csv", second_store, target="y", split=split)
    assert store.files == second_store.files
    test = pq.read_table(pa.BufferReader(store.files[f"{result.uri}/test.parquet"]))
    assert test["y"].to_pylist().count("rare") == 5
    assert len(test) == 50


def test_rules_are_held_against_the_data(tmp_path: Path) -> None:
    rules = [
        {"name": "size", "type": "Float", "max": 10, "maxMissing": 0.1},
        {"name": "kind", "type": "Category", "values": ["a", "b"]},
    ]
    result = run_ingest(tmp_path, put(tmp_path), target="flag", columns=rules, validation={"minRows": 100})
    assert not result.accepted
    assert [violation.rule.split()[0] for violation in result.violations] == [
        "validation.minRows", "max", "values", "maxMissing",
    ]  # fmt: skip
    assert result.violations[2].examples == ["c"]
    warned = run_ingest(tmp_path, "t.csv", target="flag", columns=rules, validation={"onFailure": "Warn"})
    assert warned.accepted
    assert warned.violations


@pytest.mark.parametrize(
    ("text", "spec", "reason", "says"),
    [
        (CSV, {"target": "species"}, "TargetNotFound", ["spec.target", "species", "id, size"]),
        (CSV, {"target": "kind", "ignore": ["nope"]}, "ColumnNotFound", ["spec.ignore", "nope"]),
        (CSV, {"target": "kind", "columns": [{"name": "nope", "type": "Float"}]}, "ColumnNotFound", ["spec.columns"]),
        (CSV, {"target": "flag", "columns": [{"name": "kind", "type": "Float"}]}, "ColumnType", ["kind", "'a'"]),
        (CSV, {"target": "kind", "source": {"format": "Parquet"}}, "UnreadableFile", ["t.csv", "Parquet"]),
        ("a,b\n", {"target": "b"}, "EmptyTable", ["no rows"]),
        ("", {"target": "b"}, "EmptyTable", ["empty"]),
        ("a,b\n1,2,3\n", {"target": "b"}, "RaggedRow", ["row 2"]),
        ("a,a\n1,2\n", {"target": "a"}, "DuplicateColumn", ["'a'"]),
        ("a,b\n1,yes\n2,yes\n", {"target": "b"}, "SingleClass", ["'yes'"]),
        ("b\nyes\nno\n", {"target": "b"}, "NoFeatures", ["target"]),
        ("a,b\n1,\n2,\n", {"target": "b"}, "EmptyTable", ["spec.target"]),
        ("a,b\n1,x\n2,y\n", {"target": "b", "split": {"test": 0.01}}, "InvalidSplit", ["spec.split.test"]),
    ],
)
def test_bad_input(tmp_path: Path, text: str, spec: Any, reason: str, says: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        run_ingest(tmp_path, put(tmp_path, text), **spec)
    assert caught.value.reason == reason, caught.value.message
    for word in says:
        assert word in caught.value.message, caught.value.message


def test_missing_and_unknown_files(tmp_path: Path) -> None:
    for name, reason in (("nothing.csv", "SourceNotFound"), (put(tmp_path, CSV, "t.txt"), "UnknownFormat")):
        with pytest.raises(UserError) as caught:
            run_ingest(tmp_path, name, target="kind")
        assert caught.value.reason == reason


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e400", "1e39"])
@pytest.mark.parametrize("on_failure", ["Reject", "Warn"])
def test_what_single_precision_can_not_hold_is_never_accepted(tmp_path: Path, value: str, on_failure: str) -> None:
    store = MemoryStore()
    text = "a,b,y\n" + "".join(f"{i + 0.5},{i}.5,{'yn'[i % 2]}\n" for i in range(20)) + f"{value},1.5,y\n"
    result = run_ingest(tmp_path, put(tmp_path, text), store, target="y", validation={"onFailure": on_failure})
    assert not result.accepted
    assert [(item.column, item.rule.split(",")[0]) for item in result.violations] == [("a", "finite")]
    json.loads(store.files[f"{result.uri}/result.json"], parse_constant=pytest.fail)
    assert result.columns[0].type == "Float"
    assert result.columns[1].max == 19.5


def test_a_profile_lies_beside_the_rows(tmp_path: Path) -> None:
    """Its columns are as a model is given them: texts, and numbers in single precision, with what is missing."""
    store = MemoryStore()
    result = run_ingest(tmp_path, put(tmp_path), store, target="kind")
    sketches = read(store.files[f"{result.uri}/profile.json"])
    assert (result.profile, sketches.digest, sketches.predictions) == (True, result.digest, 60)
    columns = {column.name: column for column in sketches.columns}
    assert {name: (column.kind, column.count, column.missing) for name, column in columns.items()} == {
        "size": ("Number", 60, 12),
        "big": ("Number", 60, 0),
        "flag": ("Number", 60, 0),
        "kind": ("Text", 60, 0),
    }
    assert columns["size"].extremes() == (0.5, 29.5)
    assert columns["flag"].rank_of(0.0) == 0.5
    assert {item.text: item.count.value for item in columns["kind"].frequent_items()} == {"a": 20, "b": 20, "c": 20}


def test_a_table_without_a_target_is_kept_whole_and_in_order(tmp_path: Path) -> None:
    store = MemoryStore()
    result = run_ingest(tmp_path, put(tmp_path), store)
    assert (result.target, result.rows, result.test_rows, result.accepted) == (None, 60, 0, True)
    parts = (store.files[f"{result.uri}/{name}.parquet"] for name in ("train", "test"))
    train, test = (pq.read_table(pa.BufferReader(part)) for part in parts)
    assert train["big"].to_pylist() == [1000 * i for i in range(60)]
    assert (len(test), test.schema) == (0, train.schema)


def test_one_column_is_enough_without_a_target(tmp_path: Path) -> None:
    assert run_ingest(tmp_path, put(tmp_path, "x\n1\n")).rows == 1
    with pytest.raises(UserError, match="at least one is needed"):
        run_ingest(tmp_path, put(tmp_path, "x\n"))
    with pytest.raises(UserError, match="there is no column; bring columns"):
        run_ingest(tmp_path, put(tmp_path, "x\n1\n"), ignore=["x"])
