"""Which files make a table: folders, formats, compression, columns by name; and files that change."""

from __future__ import annotations

import bz2
import gzip
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.tables.reading.locate import find
from tests.unit.runtime.reading.tables import opened, put, read, table

DATA = b"a,b\n1,x\n2,y\n"
ROWS = [["1", "x"], ["2", "y"]]


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data))


@pytest.mark.parametrize("pack", [gzip.compress, zstd, bz2.compress])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.CSV.ZST", "t.csv.bz2"])
def test_packed_files_are_known_by_their_content(tmp_path: Path, pack: Any, name: str) -> None:
    found = table(tmp_path, pack(DATA), name)
    assert (found.rows, found.doubts) == (ROWS, [])
    assert table(tmp_path, pack(DATA[:8]) + pack(DATA[8:]), name).rows == ROWS


def test_a_file_that_is_not_packed_as_its_name_says(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"rename it to 't\.csv'"):
        table(tmp_path, DATA, "t.csv.gz")


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff.csv")
    file.write_bytes(DATA)
    assert read(opened([file])).rows == ROWS


def test_files_of_a_folder_are_read_in_order_and_columns_matched_by_name(tmp_path: Path) -> None:
    put(tmp_path, "b;a\ny;2\n", "2.csv")
    put(tmp_path, gzip.compress(b"a,b\n1,x\n"), "1.csv.gz")
    put(tmp_path, "a\tb\n3\tz\n", "3.tsv")
    put(tmp_path, "{}", ".hidden.json")
    put(tmp_path, "of none", "README.txt")
    files = find(tmp_path, ".", None)
    assert [file.name for file in files] == ["1.csv.gz", "2.csv", "3.tsv"]
    found = read(opened(files))
    assert (found.rows, found.numbers) == ([*ROWS, ["3", "z"]], [2, 2, 2])
    assert [batch.file for batch in found.reading.batches()] == ["1.csv.gz", "2.csv", "3.tsv"]
    assert list(found.reading.batches())[-1].done == found.reading.size


@pytest.mark.parametrize(
    ("one", "other", "reason", "says"),
    [
        (("1.csv", "a,b\n"), ("2.csv", "a,c\n"), "ColumnsDiffer", ["'1.csv'", "'2.csv'", "'b'"]),
        (("1.csv", "a\n"), ("2.csv", "a,b\n"), "ColumnsDiffer", ["'2.csv' has the column 'b'", "'1.csv' has not"]),
        (("1.csv", "a\n"), ("2.json", '{"a":1}'), "FormatsDiffer", ["'1.csv' is CSV", "'2.json' is JSONLines"]),
        (("1.json", '{"a":1}'), ("2.json", '{"a":"x"}'), "ColumnsDiffer", ["'a'", "string", "int64", "'2.json'"]),
        (("1.csv", "a\n1\n"), ("2.csv", ""), "EmptyTable", ["'2.csv'"]),
        (("1.csv", "a\n1\n"), ("2.txt", "a\n1\n"), "UnknownFormat", ["'2.txt'", "spec.source.format"]),
        (("1.csv", "a\n1\n"), ("2.xlsx", b"PK\3\4"), "UnreadableFile", ["'2.xlsx'", "Excel"]),
        (("1.csv", "a\n1\n"), ("2.csv.zip", b"PK\3\4"), "UnreadableFile", ["'2.csv.zip'", "unpack it"]),
    ],
)
def test_files_that_don_t_fit_together(tmp_path: Path, one: Any, other: Any, reason: str, says: list[str]) -> None:
    files = [put(tmp_path, text, name) for name, text in (one, other)]
    with pytest.raises(UserError) as caught:
        opened(files)
    assert caught.value.reason == reason, caught.value.message
    for word in says:
        assert word in caught.value.message, caught.value.message


def test_what_is_said_of_csv_is_of_no_other_format(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'t\.json' is JSONLines") as caught:
        opened([put(tmp_path, '{"a":1}', "t.json")], csv={"decimal": ","})
    assert caught.value.reason == "FormatsDiffer"


def test_numbers_of_parquet_files_are_widened(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": pa.array(["x"], pa.large_string())}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": ["y"], "a": [1.5]}), tmp_path / "2.parquet")
    found = read(opened([tmp_path / "1.parquet", tmp_path / "2.parquet"]))
    assert found.rows == [[1.0, "x"], [1.5, "y"]]


def test_doubts_of_many_files_are_told_once(tmp_path: Path) -> None:
    files = [put(tmp_path, "Title\n\na,b\n1,x\n2,y\n", f"{index}.csv") for index in range(30)]
    (doubt,) = read(opened(files)).doubts
    assert (doubt.reason, doubt.count, doubt.file) == ("LinesSkipped", 30, "0.csv")
    assert "29 more files" in doubt.message


def _append(file: Path) -> None:
    with file.open("ab") as end:
        end.write(b"3,z\n")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:9])


def _replace(file: Path) -> None:
    other = file.with_suffix(".new")
    other.write_bytes(file.read_bytes())
    other.rename(file)


@pytest.mark.parametrize("change", [_append, _cut, _replace, Path.unlink])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.jsonl"])
def test_a_file_that_changes_is_no_mistake_of_the_user(tmp_path: Path, name: str, change: Any) -> None:
    data = {"t.csv": DATA, "t.csv.gz": gzip.compress(DATA), "t.jsonl": b'{"a":1}\n{"a":2}\n'}
    file = tmp_path / name
    if name in data:
        file.write_bytes(data[name])
    else:
        pq.write_table(pa.table({"a": [1, 2]}), file)
    reading = opened([file])
    change(file)
    with pytest.raises(Retriable) as caught:
        list(reading.batches())
    assert caught.value.reason == "SourceChanged"
    assert name in caught.value.message


def test_a_file_that_grows_while_its_rows_are_read(tmp_path: Path) -> None:
    file = put(tmp_path, b"a,b\n" + b"1,x\n" * 3_000_000)
    batches = opened([file]).batches()
    next(batches)
    _append(file)
    with pytest.raises(Retriable):
        list(batches)


def test_who_stops_early_leaves_nothing_behind(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    batches = opened([put(tmp_path, b"a,b\n" + b"1,x\n" * 3_000_000)]).batches()
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert len(os.listdir("/proc/self/fd")) == before
