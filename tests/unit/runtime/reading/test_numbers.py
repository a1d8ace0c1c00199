"""How numbers are written in a file, and what is told where that can't be known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.runtime.reading.tables import opened, put, read, table


def column(*values: str) -> str:
    return "a;b\n" + "".join(f"{value};x\n" for value in values)


@pytest.mark.parametrize(
    ("values", "style"),
    [
        (["12.5", "3"], (".", "")),
        (["12,5", "3"], (",", "")),
        (["-0,125"], (",", "")),
        (["1.234,50"], (",", ".")),
        (["1.234.567", "12"], (",", ".")),
        (["1,234.50"], (".", ",")),
        (["1,234,567"], (".", ",")),
        (["1'234.50"], (".", "'")),
        (["1\u2019234"], (".", "'")),
        (["1 234,5"], (",", " ")),
        (["1\u00a0234,5", "1\u202f234"], (",", " ")),
        (["1\u2009234.5"], (".", " ")),
        (["1234.567"], (".", "")),
        (["0.567"], (".", "")),
        (["1,5e3"], (",", "")),
        (["1e3", "5"], (".", "")),
        (["NA", "", "12,5"], (",", "")),
        (["Mr. 12,5", "text", "words"], (".", "")),
        (["12.03.2026", "13.03.2026"], (".", "")),
        (["192.168.1.1"], (".", "")),
        (["05123", "1000"], (".", "")),
    ],
)
def test_certain(tmp_path: Path, values: list[str], style: tuple[str, str]) -> None:
    found = table(tmp_path, column(*values))
    assert (found.reading.numbers, found.doubts) == (style, [])


@pytest.mark.parametrize(
    ("text", "style", "reason", "example", "says"),
    [
        (column("12.345", "1.000"), (".", ""), "DecimalsOrThousands", "12.345", "thousands: '.'"),
        (column("12,345", "1,000"), (",", ""), "DecimalsOrThousands", "12,345", "thousands: ','"),
        ('a,b\n"12,345",x\n', (".", ","), "DecimalsOrThousands", "12,345", "decimal: ','"),
        ("a;b\n12.345;1,5\n1.000;2\n", (",", "."), "DecimalsOrThousands", "12.345", "decimal: '.'"),
        ("a;b\n1,5;1.5\n", (".", ""), "DecimalMixed", "1,5", "'1.5' in column 'b'"),
    ],
)
def test_told(tmp_path: Path, text: str, style: Any, reason: str, example: str, says: str) -> None:
    found = table(tmp_path, text)
    assert found.reading.numbers == style
    (doubt,) = found.doubts
    assert (doubt.reason, doubt.column, doubt.example, doubt.row) == (reason, "a", example, 2)
    assert says in doubt.message


@pytest.mark.parametrize(
    ("csv", "style"),
    [
        ({"thousands": "."}, (",", ".")),
        ({"decimal": "."}, (".", "")),
        ({"decimal": ","}, (",", ".")),
        ({"decimal": ",", "thousands": ""}, (",", "")),
    ],
)
def test_what_is_said_is_taken(tmp_path: Path, csv: Any, style: Any) -> None:
    if csv.get("thousands") == ".":
        csv = {**csv, "decimal": ","}  # the API asks for both
    found = table(tmp_path, column("12.345", "1.000"), csv=csv)
    assert (found.reading.numbers, found.doubts) == (style, [])


def test_a_late_value_may_decide(tmp_path: Path) -> None:
    """It comes after those that are looked at first; so the doubt is gone once all rows have been read."""
    early = [f"{index % 900 + 1}.{index % 900 + 100}" for index in range(200_000)]
    reading = opened([put(tmp_path, column(*early, "0.5"))])
    assert [doubt.reason for doubt in reading.doubts] == ["DecimalsOrThousands"]
    assert read(reading).doubts == []
    assert len(table(tmp_path, column(*early, "1")).doubts) == 1


def test_a_doubt_names_the_column_as_the_table_does(tmp_path: Path) -> None:
    found = table(tmp_path, '"Size\n(cm)";b\n12.345;x\n1.000;y\n')
    assert [doubt.column for doubt in found.doubts] == ["Size (cm)"] == found.reading.names[:1]


def test_comments_above_the_table_move_its_rows(tmp_path: Path) -> None:
    found = table(tmp_path, "# x\n\n" + column("12.345", "1.000"))
    assert [(doubt.reason, doubt.row) for doubt in found.doubts] == [("LinesSkipped", 1), ("DecimalsOrThousands", 4)]
    assert found.numbers == [4, 5]


def test_all_files_tell_together(tmp_path: Path) -> None:
    files = [put(tmp_path, column("12.345"), "1.csv"), put(tmp_path, column("1.234,5"), "2.csv")]
    reading = opened(files)
    assert reading.numbers == (",", ".")
