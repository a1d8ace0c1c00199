"""What is found out of a CSV file by itself, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.runtime.reading.tables import table

AB = [["1", "x"], ["2", "y"]]
CARS = [["VW", "1"], ["Opel", "2"]]


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        pytest.param("a,b\n1,x\n2,y\n", ["a", "b"], AB, id="commas"),
        pytest.param("a;b\n1;x\n2;y\n", ["a", "b"], AB, id="semicolons"),
        pytest.param("a\tb\n1\tx\n2\ty\n", ["a", "b"], AB, id="tabs"),
        pytest.param("a|b\n1|x\n2|y\n", ["a", "b"], AB, id="bars"),
        pytest.param("sep=;\na;b\n1;x\n2;y\n", ["a", "b"], AB, id="Excel's line"),
        pytest.param('"sep=\t"\r\na\tb\r\n1\tx\r\n2\ty\r\n', ["a", "b"], AB, id="Excel's line in quotes"),
        pytest.param("SEP=|\na|b\n1|x\n2|y\n", ["a", "b"], AB, id="Excel's line in capitals"),
        pytest.param("a;b\n1,5;x, y\n2,5;y, z\n", ["a", "b"], [["1,5", "x, y"], ["2,5", "y, z"]], id="commas within"),
        pytest.param("a\tb\n1\tx, y\n2\ty, z\n", ["a", "b"], [["1", "x, y"], ["2", "y, z"]], id="commas between tabs"),
        pytest.param("a,b\r1,x\r2,y", ["a", "b"], AB, id="Macintosh"),
        pytest.param("a,b\r\n1,x\r\n2,y\r\n", ["a", "b"], AB, id="Windows"),
        pytest.param("a,b\r\n1,x\n2,y\r", ["a", "b"], AB, id="mixed line ends"),
        pytest.param("a,b\n1,x\n2,y", ["a", "b"], AB, id="no last line end"),
        pytest.param("a,b\n1,x\n2,y\n\n\n", ["a", "b"], AB, id="blank lines at the end"),
        pytest.param("a,b\r\n1,x\r\n2,y\r\n\x1a", ["a", "b"], AB, id="the end of a file of MS-DOS"),
        pytest.param("a,b,\n1,x,\n2,y,\n", ["a", "b"], AB, id="a delimiter at the end"),
        pytest.param("a,b\n1,x,\n2,y,\n3,z,\n", ["a", "b"], [*AB, ["3", "z"]], id="a delimiter at the end of rows"),
        pytest.param('a,b\n1,"x ""1"""\n2,"y\nz"\n', ["a", "b"], [["1", 'x "1"'], ["2", "y\nz"]], id="quotes"),
        pytest.param("a,b\n1,'x, y'\n2,'z'\n", ["a", "b"], [["1", "x, y"], ["2", "z"]], id="single quotes"),
        pytest.param("a,b\n1,it's\n2,'tis\n", ["a", "b"], [["1", "it's"], ["2", "'tis"]], id="apostrophes"),
        pytest.param('a,b\n1,5" x\n2,"y, 1"\n', ["a", "b"], [["1", '5" x'], ["2", "y, 1"]], id="inches"),
        pytest.param('a, b\n1, "x, y"\n2, "z"\n', ["a", "b"], [["1", "x, y"], ["2", "z"]], id="a space before quotes"),
        pytest.param('"a", "b, c"\n1, "x"\n', ["a", "b, c"], [["1", "x"]], id="a space before a quoted name"),
        pytest.param(" a ,b  c\n 1 ,x\n", ["a", "b c"], [[" 1 ", "x"]], id="spaces: of names, not of values"),
        pytest.param('"Size\n(cm)",b\n1,x\n', ["Size (cm)", "b"], [["1", "x"]], id="a newline in a name"),
        pytest.param("e\u0301,b\n1,x\n", ["é", "b"], [["1", "x"]], id="a decomposed name"),
        pytest.param("a\n1\n\n3\n\n\n", ["a"], [["1"], [""], ["3"]], id="one column with a missing value"),
        pytest.param('a\n1\n""\n3\n', ["a"], [["1"], [""], ["3"]], id="one column with a quoted missing value"),
        pytest.param("#id,b\n1,x\n", ["#id", "b"], [["1", "x"]], id="a name that begins like a comment"),
        pytest.param("# a,b\n1,2\n", ["a", "b"], [["1", "2"]], id="a header as NumPy writes it"),
        pytest.param("#id,b", ["#id", "b"], [], id="a header alone that begins like a comment"),
        pytest.param("km/h,@t,b (%),-x,+1\n1,2,3,4,5\n", ["km/h", "@t", "b (%)", "-x", "+1"], None, id="odd names"),
        pytest.param("Size,size\n1,2\n", ["Size", "size"], [["1", "2"]], id="names that differ in case"),
        pytest.param("a,b\n", ["a", "b"], [], id="a header alone"),
        pytest.param("a,b", ["a", "b"], [], id="a header alone without a line end"),
    ],
)
def test_certain(tmp_path: Path, text: str, names: list[str], rows: Any) -> None:
    found = table(tmp_path, text)
    assert found.reading.names == names
    assert rows is None or found.rows == rows
    assert found.doubts == []
    assert found.reading.text


@pytest.mark.parametrize(
    ("text", "rows", "numbers", "reason", "about"),
    [
        pytest.param(
            "Report of March\nby export\n\na,b\n1,x\n2,y\n", AB, [5, 6], "LinesSkipped",
            {"row": 1, "count": 2, "example": "Report of March"}, id="lines above the header",
        ),
        pytest.param("Report,,\n,,\na,b,c\n1,x,u\n", [["1", "x", "u"]], [4], "LinesSkipped", {"count": 1}, id="padded"),
        pytest.param("# made by x\na,b\n1,x\n2,y\n", AB, [3, 4], "LinesSkipped", {"count": 1}, id="comments above"),
        pytest.param(
            '# by "x, y\n#\n\n# z; u\na,b\n1,x\n2,y\n', AB, [6, 7], "LinesSkipped", {"count": 3}, id="many comments"
        ),
        pytest.param("## v\n#a,b\n1,x\n2,y\n", AB, [3, 4], "LinesSkipped", {"count": 1}, id="comments and header"),
        pytest.param("# by x, y\nb,a\n1,x\n2,y\n", AB, [3, 4], "LinesSkipped", {"count": 1}, id="as wide a comment"),
        pytest.param("a,b\n1,x\n# p\n# p,q,r\n2,y\n", AB, [2, 5], "CommentLines", {"row": 3, "count": 2},
                     id="comments between rows"),
        pytest.param("a,b\n1,x\na,b\n2,y\n", AB, [2, 4], "HeaderRepeated", {"row": 3, "count": 1}, id="repeated"),
        pytest.param("a,b\n1,x\n\ufeffa,b\n2,y\n", AB, [2, 4], "HeaderRepeated", {"row": 3}, id="repeated with BOM"),
        pytest.param("a,b\ncm,-\n1,x\n2,y\n", AB, [3, 4], "UnitsRow", {"row": 2, "example": "cm, -"}, id="units"),
        pytest.param("a,b\n[m/s²],\n1,x\n2,y\n", AB, [3, 4], "UnitsRow", {"row": 2}, id="units in brackets"),
        pytest.param(",a,b\n0,1,x\n1,2,y\n", AB, [2, 3], "IndexLeftOut", {}, id="the index of pandas"),
        pytest.param('"","a","b"\n"1",1,"x"\n"2",2,"y"\n', AB, [2, 3], "IndexLeftOut", {}, id="the index of R"),
        pytest.param(",a,b\n3,1,x\n17,2,y\n", AB, [2, 3], "IndexLeftOut", {}, id="an index with gaps"),
        pytest.param('"","a"\n"VW",1\n"Opel",2\n', CARS, [2, 3], "ColumnNamed",
                     {}, id="the names of rows of R"),
        pytest.param(",column_1\nVW,1\nOpel,2\n", CARS, [2, 3],
                     "ColumnNamed", {}, id="a name that is taken"),
        pytest.param("Unnamed: 0,a,b\n0,1,x\n1,2,y\n", AB, [2, 3], "IndexLeftOut", {}, id="an index read and written"),
        pytest.param(
            "Unnamed: 0.1,Unnamed: 0,a,b\n0,0,1,x\n1,1,2,y\n", AB, [2, 3], "IndexLeftOut", {}, id="two indexes"
        ),
        pytest.param("a,Unnamed: 0,b\n1,0,x\n2,1,y\n", AB, [2, 3], "IndexLeftOut", {}, id="an index in the middle"),
        pytest.param("a,b\n1,1,x\n2,2,y\n3,1,x\n", [*AB, AB[0]], [2, 3, 4], "IndexLeftOut", {}, id="row names of R"),
        pytest.param("a,b,,\n1,x,,\n2,y,,\n", AB, [2, 3], "EmptyColumns", {"count": 2}, id="columns without anything"),
        pytest.param("a,b\n1,x\n,\n2,y\n,\n", AB, [2, 4], "EmptyRows", {"row": 3, "count": 2}, id="empty rows"),
        pytest.param("a,b\n1,x\n\n  \n2,y\n\n", AB, [2, 5], "BlankLines", {"row": 3, "count": 2}, id="blank lines"),
        pytest.param("a,b\r\r\n1,x\r\r\n2,y\r\r\n", AB, [3, 5], "BlankLines", {"count": 2}, id="doubled line ends"),
        pytest.param("a,b;c\n1,2;x\n", [["1,2", "x"]], [2], "DelimiterGuessed", {}, id="two delimiters"),
        pytest.param('a\tb\n1\t"x" of y\n2\t"z\n', [["1", '"x" of y'], ["2", '"z']], [2, 3], "DelimiterGuessed", {},
                     id="quotes between tabs"),
        pytest.param("a\n1,5\n2,5\n", [["1,5"], ["2,5"]], [2, 3], "DelimiterGuessed", {}, id="one column of decimals"),
        pytest.param("1,2\n3,4\n", [["3", "4"]], [2], "HeaderLikeData", {"example": "1, 2"}, id="no header"),
    ],
)  # fmt: skip
def test_told(
    tmp_path: Path, text: str, rows: list[list[str]], numbers: list[int], reason: str, about: dict[str, Any]
) -> None:
    found = table(tmp_path, text)
    assert (found.rows, found.numbers) == (rows, numbers)
    assert found.reasons() == [reason]
    doubt = found.doubts[0]
    assert {key: getattr(doubt, key) for key in about} == about
    assert doubt.file == "t.csv"


@pytest.mark.parametrize(
    ("text", "csv", "names", "rows"),
    [
        ("a;b,c\n1;x,2\n", {"delimiter": ","}, ["a;b", "c"], [["1;x", "2"]]),
        ("a b\n1 x\n", {"delimiter": " "}, ["a", "b"], [["1", "x"]]),
        ("a^b\n1^x\n", {"delimiter": "^"}, ["a", "b"], [["1", "x"]]),
        ('a,b\n"1,x\n', {"quote": ""}, ["a", "b"], [['"1', "x"]]),
        ("a,b\n'1,5',x\n", {"quote": "'"}, ["a", "b"], [["1,5", "x"]]),
        ("x,y\nu,v\na,b\n1,x\n", {"skipRows": 2}, ["a", "b"], [["1", "x"]]),
        ("a,b\n1,x\n", {"skipRows": 0}, ["a", "b"], [["1", "x"]]),
    ],
)
def test_what_is_said_is_taken(tmp_path: Path, text: str, csv: Any, names: list[str], rows: Any) -> None:
    found = table(tmp_path, text, csv=csv)
    assert (found.reading.names, found.rows, found.doubts) == (names, rows, [])


def test_a_row_of_values_is_no_row_of_units(tmp_path: Path) -> None:
    assert len(table(tmp_path, "a,b\n-,n\n1,y\n2,y\n").rows) == 3
    assert len(table(tmp_path, "a,b\nm,n\nm,y\nn,y\n").rows) == 3


def test_missing_words(tmp_path: Path) -> None:
    assert {"", "NA", "null"} < set(table(tmp_path, "a,b\n1,x\n").reading.missing)
    assert table(tmp_path, "a,b\n1,x\n", csv={"missing": ["?", "-"]}).reading.missing == ("", "?", "-")
    assert table(tmp_path, "a,b\n1,x\n", csv={"missing": [""]}).reading.missing == ("",)


def test_where_every_line_is_followed_by_a_blank_one_rows_are_counted_without_them(tmp_path: Path) -> None:
    text = "a,b\n" + "".join(f"{i},x\n\n" for i in range(3000))
    found = table(tmp_path, text)
    assert len(found.rows) == 3000
    assert found.numbers == list(range(2, 3002))
    assert "not counted" in found.doubts[0].message
