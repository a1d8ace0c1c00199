"""Checks the type that a column gets, and which files of a source are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_api.wire.result import IngestResult
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import MemoryStore, run_ingest


def text_of(values: list[str], rows: int = 12) -> str:
    return "a,y\n" + "".join(f"{values[i % len(values)]},{'yn'[i % 2]}\n" for i in range(rows))


def run(folder: Path, values: list[str], type_: str | None = None) -> IngestResult:
    (folder / "t.csv").write_text(text_of(values))
    return run_ingest(folder, "t.csv", target="y", columns=[{"name": "a", "type": type_}] if type_ else [])


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["01234", "99999"], "Category"), (["-007"], "Category"), (["00.5"], "Category"),
        (["0x1F", "0x2A"], "Category"),
        (["+5", "-3", "0"], "Integer"), (["0", "10", ""], "Integer"), (["9223372036854775808"], "Float"),
        (["3.0", "4"], "Integer"), (["+1.5", ".5", "1.", "1e3", "0.25"], "Float"), (["true", "FALSE", ""], "Boolean"),
        (["1_000"], "Category"), (["2026-01-02"], "Timestamp"), (["nan"], "Float"),
    ],
)  # fmt: skip
def test_a_type_is_inferred_from_text(tmp_path: Path, values: list[str], type_: str) -> None:
    assert run(tmp_path, values).columns[0].type == type_


def test_declared_numbers_may_be_written_in_other_ways(tmp_path: Path) -> None:
    column = run(tmp_path, ["3.0", "+5", "007", "12."], "Integer").columns[0]
    assert (column.type, column.min, column.max) == ("Integer", 3, 12)
    column = run(tmp_path, ["+1.5", "007", "1e3"], "Float").columns[0]
    assert (column.type, column.min, column.max) == ("Float", 1.5, 1000)


@pytest.mark.parametrize(
    ("value", "type_"), [("3.5", "Integer"), ("0x1F", "Integer"), ("0x1F", "Float"), ("1e3", "Integer")]
)
def test_declared_numbers_are_refused_where_they_are_none(tmp_path: Path, value: str, type_: str) -> None:
    result = run(tmp_path, [value, "1"], type_)
    (violation,) = result.violations
    assert (result.accepted, violation.column, violation.examples, violation.rows[:1]) == (False, "a", [value], [2])


def test_text_of_parquet_stays_text_unless_declared(tmp_path: Path) -> None:
    columns = {"zip": ["1234", "5678"] * 6, "flag": ["true", "false"] * 6, "y": ["a", "a", "b", "b"] * 3}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    result = run_ingest(tmp_path, "t.parquet", target="y")
    assert [column.type for column in result.columns] == ["Category"] * 3
    declared = run_ingest(tmp_path, "t.parquet", target="y", columns=[{"name": "zip", "type": "Integer"}])
    assert declared.columns[0].type == "Integer"


def test_missing_targets_count_before_their_rows_are_dropped(tmp_path: Path) -> None:
    rule = [{"name": "y", "type": "Category", "maxMissing": 0.1}]
    table = "a,y\n" + "".join(f"{i},{'yn'[i % 2]}\n" for i in range(12))
    (tmp_path / "t.csv").write_text(table)
    good = run_ingest(tmp_path, "t.csv", target="y", columns=rule)
    (tmp_path / "t.csv").write_text(table + "1,\n" * 4)
    bad = run_ingest(tmp_path, "t.csv", target="y", columns=rule)
    assert (good.accepted, bad.accepted, bad.rows) == (True, False, 12)
    assert bad.violations[0].found == "0.25 of the values are missing"
    # Both versions have the same rows, but only one is accepted.
    assert bad.digest == good.digest
    assert bad.version_id != good.version_id


def test_a_folder_is_read_by_extension_and_its_columns_by_name(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "1.csv").write_text("a, y \n1,n\n2,y\n3,n\n")
    (parts / "2.CSV").write_text("y,a\ny,4\nn,5\ny,6\n")
    (parts / "3.parquet").write_bytes(b"of another format")
    (parts / "README.txt").write_text("of none")
    store = MemoryStore()
    result = run_ingest(tmp_path, "parts", store, target="y", source={"format": "CSV"})
    assert [(column.name, column.type) for column in result.columns] == [("a", "Integer"), ("y", "Category")]
    assert (result.rows, result.columns[0].max) == (6, 6)
    (parts / "2.CSV").write_text("y,b\ny,4\n")
    with pytest.raises(UserError, match=r"2\.CSV' has not"):
        run_ingest(tmp_path, "parts", target="y", source={"format": "CSV"})


def test_a_folder_in_a_named_folder_gets_no_column_of_its_path(tmp_path: Path) -> None:
    (tmp_path / "day=1").mkdir()
    pq.write_table(pa.table({"a": [1, 2, 3, 4, 5], "y": list("ababa")}), tmp_path / "day=1" / "t.parquet")
    assert len(run_ingest(tmp_path, "day=1", target="y").columns) == 2


@pytest.mark.parametrize("link", ["t.csv", "folder", "parts/t.csv"])
def test_a_link_out_of_the_source_is_not_read(tmp_path: Path, link: str) -> None:
    root, outside = tmp_path / "source", tmp_path / "outside"
    (root / "parts").mkdir(parents=True)
    outside.mkdir()
    (outside / "t.csv").write_text("root:x:0:0\nsecret\n")
    (root / link).symlink_to(outside if link == "folder" else outside / "t.csv")
    with pytest.raises(UserError) as caught:
        run_ingest(root, link.split("/")[0], target="y")
    assert caught.value.reason == "SourceOutside"
    assert "root:x" not in caught.value.message
    assert "secret" not in caught.value.message


def test_a_link_within_the_source_is_read(tmp_path: Path) -> None:
    """The kubelet mounts a ConfigMap with such links."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "t.csv").write_text(text_of(["1", "2"]))
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "t.csv").symlink_to("..data/t.csv")
    assert run_ingest(tmp_path, "t.csv", target="y").rows == 12


@pytest.mark.parametrize(
    ("header", "reason", "says"),
    [
        (["a" * 129, "y"], "ColumnNameTooLong", "128"),
        ([f"c{i}" for i in range(1000)] + ["y"], "TooManyColumns", "1001 columns; at most 1000"),
        (["a", "", "y"], "UnnamedColumn", "column 2 of 3"),
        (["a", " a ", "y"], "DuplicateColumn", "'a'"),
    ],
)
def test_bad_headers(tmp_path: Path, header: list[str], reason: str, says: str) -> None:
    rows: list[Any] = [header, ["1"] * len(header), ["2"] * len(header)]
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    with pytest.raises(UserError) as caught:
        run_ingest(tmp_path, "t.csv", target="y")
    assert caught.value.reason == reason
    assert says in caught.value.message
