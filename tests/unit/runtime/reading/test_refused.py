"""What can't be read as a table is refused with file, row, column, value, and what to do."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import Any

import pytest

from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.reading.tables import put, table

ROWS = "".join(f"{index},x\n" for index in range(60))


@pytest.mark.parametrize(
    ("data", "reason", "says"),
    [
        pytest.param("", "EmptyTable", ["'t.csv' is empty"], id="empty"),
        pytest.param("\n\n", "NoHeader", ["t.csv"], id="blank"),
        pytest.param("\ufeff", "EmptyTable", ["t.csv"], id="a BOM alone"),
        pytest.param(f"a,b\n{ROWS}3.5\n", "RaggedRow", ["row 62", "1 values", "header has 2", "'3.5'"], id="short"),
        pytest.param(f"a,b\n{ROWS}1,2,3\n", "RaggedRow", ["row 62", "3 values", "'1,2,3'"], id="long"),
        pytest.param("a,b\n1,2,3\n", "RaggedRow", ["row 2", "3 values"], id="long from the start"),
        pytest.param(f"a,b\n\n{ROWS}\n1\n", "RaggedRow", ["row 64"], id="after blank lines"),
        pytest.param('a,b\n1,"x\ny"\n2\n', "RaggedRow", ["row 3"], id="after a quoted newline"),
        pytest.param("1,1\n2,3\n", "NoHeader", ["row 1", "looks like data"], id="a row of data as the header"),
        pytest.param("Title\na,b\nx,y\nz,u\n", "NoHeader", ["row 1", "row 2", "skipRows: 1"], id="no sure header"),
        pytest.param("a,b\nMazda,1,2\nDatsun,2,3\nVW,3,4\n", "NoHeader", ["row 1", "3"], id="names of rows"),
        pytest.param(",a\n7,1\nx,2\n", "UnnamedColumn", ["first column", "'7'", "row 2", "index=False"], id="no index"),
        pytest.param(",a\n2,1\n1,2\n", "UnnamedColumn", ["'2'", "row 2"], id="a shuffled index"),
        pytest.param(",a\n" + "".join(f"{i},1\n" for i in range(3000)) + "7,1\n", "UnnamedColumn", ["row 3002", "'7'"],
                     id="an index that starts anew"),
        pytest.param("a,b\n1,5,x\n2,5,y\n4,5,z\n", "NoHeader", ["row 1 of 't.csv' has 2 values"], id="decimal commas"),
        pytest.param("a,,c\n1,2,3\n", "UnnamedColumn", ["column 2 of 3", "'2'", "row 2"], id="a column without a name"),
        pytest.param("a,b,\n" + "1,2,\n" * 3000 + "1,2,x\n", "UnnamedColumn", ["column 3", "'x'", "row 3002"],
                     id="a late value without a name"),
        pytest.param("a, a\n1,2\n", "DuplicateColumn", ["'a'"], id="doubled"),
        pytest.param("é,e\u0301\n1,2\n", "DuplicateColumn", ["'é'"], id="doubled in Unicode"),
        pytest.param("=cmd|' /C calc'!A0,b\n1,2\n", "ColumnName", ["formula", "column 1 of 2"], id="a formula"),
        pytest.param("a,+HYPERLINK(1)\n1,2\n", "ColumnName", ["formula", "column 2"], id="a formula with a plus"),
        pytest.param("../../etc/passwd,b\n1,2\n", "ColumnName", ["path"], id="a path"),
        pytest.param("/etc/passwd,b\n1,2\n", "ColumnName", ["path"], id="an absolute path"),
        pytest.param("C:\\a\\b,b\n1,2\n", "ColumnName", ["path"], id="a path of Windows"),
        pytest.param("a\x07,b\n1,2\n", "ColumnName", ["hidden", r"\x07"], id="a control character"),
        pytest.param("a\u202eb,b\n1,2\n", "ColumnName", ["hidden", r"\u202e"], id="turned around"),
        pytest.param("a\u200bb,b\n1,2\n", "ColumnName", ["hidden", r"\u200b"], id="a space without width"),
        pytest.param("a" * 129 + ",b\n1,2\n", "ColumnNameTooLong", ["129"], id="a long name"),
        pytest.param(",".join(f"c{i}" for i in range(10_001)) + "\n", "TooManyColumns", ["10001"], id="columns"),
        pytest.param(f'a,b\n{ROWS}1,"x\n2,y\n', "Misquoted", ["row 62", "'b'", "never closed"], id="an open quote"),
        pytest.param('a,b\n1,"x" y\n2,z\n', "Misquoted", ["row 2", "'b'", "twice"], id="text after a quote"),
        pytest.param('a,b\n1,"x \\"y\\", z"\n', "Misquoted", ["row 2", "'b'", "twice"], id="backslashes"),
        pytest.param(f"a,b\n{ROWS}1,\0\n", "NotText", ["NUL", "row 62", "'b'"], id="a NUL byte"),
        pytest.param("a,\0\n1,2\n", "NotText", ["NUL", "row 1"], id="a NUL byte in the header"),
        pytest.param(b"PK\3\4 book", "UnreadableFile", ["Excel"], id="a workbook"),
        pytest.param("<!DOCTYPE html>\n<html>", "UnreadableFile", ["HTML"], id="a page"),
        pytest.param('{"a": 1}\n{"a": 2}\n', "UnreadableFile", ["JSONLines"], id="JSON"),
        pytest.param("version https://git-lfs.github.com/spec/v1\noid", "UnreadableFile", ["LFS"], id="Git LFS"),
        pytest.param(b"PAR1....", "UnreadableFile", ["Parquet"], id="Parquet"),
        pytest.param(b"%PDF-1.7", "UnreadableFile", ["PDF"], id="PDF"),
        pytest.param(gzip.compress(b"a,b\n" * 99)[:-9], "UnreadableFile", ["broken", "t.csv"], id="half a gzip"),
        pytest.param(bz2.compress(b"a,b\n" * 99)[:-9], "UnreadableFile", ["broken", "t.csv"], id="half a bzip2"),
    ],
)  # fmt: skip
def test_csv(tmp_path: Path, data: Any, reason: str, says: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        table(tmp_path, data)
    assert caught.value.reason == reason, caught.value.message
    for word in ("spec.source", *says):
        assert word in caught.value.message, caught.value.message
    assert len(caught.value.message) < 700


def test_a_bad_row_is_named_wherever_it_is(tmp_path: Path) -> None:
    """The file has several blocks, quoted newlines and blank lines before the bad row."""
    good = '1,"a\nb"\n' * 1_000_000 + "\n"
    put(tmp_path, f"a,b\n{good}1\n")
    with pytest.raises(UserError, match="row 1000003 of"):
        table(tmp_path, f"a,b\n{good}1\n")


@pytest.mark.parametrize(
    ("text", "reason", "says"),
    [
        ('{"a":1}\n{"a":{"b":1}}\n', "ColumnType", ["row 2", "'a'", '{"b": 1}', "spec.ignore"]),
        ('{"a":1}\n{"a":1,"c":[1]}\n', "ColumnType", ["row 2", "'c'", "[1]"]),
        ('{"a":1}\n\n{"a":"x"}\n', "ColumnType", ["row 2", "'a'", "a text", "'x'", "a number"]),
        ('{"a":true}\n{"a":0}\n', "ColumnType", ["row 2", "a number", "a boolean"]),
        ('{"a":1,"a":2}\n', "ColumnType", ["row 1", "'a'", "twice"]),
        ('{"a":1e999}\n', "ColumnType", ["row 1", "'a'", "too great"]),
        ('{"a":1}\n{"a":\n', "UnreadableFile", ["row 2", "no JSON"]),
        ('[{"a":1},{"a":2}]', "UnreadableFile", ["row 1", "one object a line", "jq"]),
        ('{"a":1}\n{"a":' + "[" * 99_999 + "]" * 99_999 + "}", "UnreadableFile", ["row 2"]),
        ('{"a":' * 99_999, "UnreadableFile", ["row 1"]),
        ("1\n2\n", "UnreadableFile", ["row 1", "no object"]),
        ('{\n  "a": 1\n}\n', "UnreadableFile", ["row 1", "one object a line"]),
        ("", "EmptyTable", ["t.jsonl"]),
        ("{}\n", "EmptyTable", ["t.jsonl"]),
        ('{"":1}\n', "UnnamedColumn", ["column 1"]),
        ('{"=x()":1}\n', "ColumnName", ["formula"]),
    ],
)
def test_json_lines(tmp_path: Path, text: str, reason: str, says: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        table(tmp_path, text, "t.jsonl")
    assert caught.value.reason == reason, caught.value.message
    for word in says:
        assert word in caught.value.message, caught.value.message


def test_a_conflict_of_types_is_named_wherever_it_is(tmp_path: Path) -> None:
    text = "".join(f'{{"a":{index}}}\n' for index in range(500_000))
    with pytest.raises(UserError, match=r"row 500001 of 't\.jsonl': column 'a' holds a text, 'x', and a number before"):
        table(tmp_path, text + '{"a":"x"}', "t.jsonl")
