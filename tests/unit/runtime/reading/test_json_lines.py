"""JSON Lines: members are columns with types."""

from __future__ import annotations

import codecs
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.runtime.reading.tables import Table, opened, put, read, table


def lines(folder: Path, *rows: Any) -> Table:
    return table(folder, "".join(json.dumps(row) + "\n" for row in rows), "t.jsonl")


def types(found: Table) -> list[pa.DataType]:
    return list(next(found.reading.batches()).rows.schema.types)


def test_types(tmp_path: Path) -> None:
    found = lines(tmp_path, {"a": 1, "b": True, "c": "x", "d": 1.5, "e": None}, {"d": 2, "c": None})
    assert found.reading.names == ["a", "b", "c", "d", "e"]
    assert types(found) == [pa.int64(), pa.bool_(), pa.string(), pa.float64(), pa.null()]
    assert found.rows == [[1, True, "x", 1.5, None], [None, None, None, 2.0, None]]
    assert (found.numbers, found.doubts, found.reading.text, found.reading.missing) == ([1, 2], [], False, ("",))


def test_texts_that_look_like_times_or_numbers_stay_texts(tmp_path: Path) -> None:
    found = lines(tmp_path, {"a": "2026-03-01T05:00:00Z", "b": "12.5"}, {"a": "x", "b": ""})
    assert found.rows == [["2026-03-01T05:00:00Z", "12.5"], ["x", ""]]


def test_a_late_line_may_have_another_column_and_a_wider_number(tmp_path: Path) -> None:
    found = lines(tmp_path, *({"a": index} for index in range(400_000)), {"a": 1.5, "b": "x"})
    assert types(found) == [pa.float64(), pa.string()]
    assert (found.rows[0], found.rows[-1]) == ([0.0, None], [1.5, "x"])
    assert found.numbers[-1] == 400_001


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.json", "t.jsonl.gz", "t.jsonl.zst", "T.JSONL"])
def test_names_of_files(tmp_path: Path, name: str) -> None:
    data = b'{"a": 1}\n'
    data = gzip.compress(data) if name.endswith(".gz") else data
    data = bytes(pa.Codec("zstd").compress(data)) if name.endswith(".zst") else data
    assert table(tmp_path, data, name).rows == [[1]]


@pytest.mark.parametrize(
    "data", [b'\xef\xbb\xbf{"a":"\xc3\xa4"}', codecs.BOM_UTF16_LE + '{"a":"ä"}'.encode("utf-16-le")]
)
def test_byte_order_marks(tmp_path: Path, data: bytes) -> None:
    assert table(tmp_path, data, "t.json").rows == [["ä"]]


def test_brackets_within_texts(tmp_path: Path) -> None:
    assert lines(tmp_path, {"a": "[" * 5000}, {"a": ":{" * 5000}).rows == [["[" * 5000], [":{" * 5000]]


def test_numbers_beyond_64_bits_are_told(tmp_path: Path) -> None:
    found = lines(tmp_path, {"a": 1}, {"a": 2**64 + 1})
    (doubt,) = found.doubts
    assert (doubt.reason, doubt.column, doubt.row) == ("GreatNumbers", "a", 2)


def test_what_is_ignored_may_be_nested(tmp_path: Path) -> None:
    file = put(tmp_path, '{"a":1,"b":[1]}\n{"a":2,"b":{"c":3}}\n', "t.jsonl")
    found = read(opened([file], ("b",)))
    assert sorted(found.reading.names) == ["a", "b"]
    assert [row[found.reading.names.index("a")] for row in found.rows] == [1, 2]
