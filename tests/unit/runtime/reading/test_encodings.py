"""How characters are written: by a mark, by UTF-8, by a guess that is told, or as spec.source.csv.encoding says."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.reading.tables import table

TEXT = "größe,art\n1,Föhre\n2,Eiche\n"
ROWS = [["1", "Föhre"], ["2", "Eiche"]]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT.encode(), id="UTF-8"),
        pytest.param(TEXT.encode("utf-8-sig"), id="UTF-8 with a mark"),
        pytest.param(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), id="UTF-16 LE"),
        pytest.param(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), id="UTF-16 BE"),
        pytest.param(TEXT.encode("utf-32"), id="UTF-32"),
        pytest.param(codecs.BOM_UTF16_LE + ("sep=;\r\n" + TEXT.replace(",", ";")).encode("utf-16-le"), id="Excel's"),
    ],
)
def test_certain(tmp_path: Path, data: bytes) -> None:
    found = table(tmp_path, data)
    assert (found.reading.names, found.rows, found.doubts) == (["größe", "art"], ROWS, [])


@pytest.mark.parametrize("name", ["windows-1252", "latin-1", "iso-8859-15"])
def test_western_text_is_guessed_and_told(tmp_path: Path, name: str) -> None:
    found = table(tmp_path, TEXT.encode(name))
    assert (found.reading.names, found.rows) == (["größe", "art"], ROWS)
    (doubt,) = found.doubts
    assert (doubt.reason, doubt.row, doubt.example) == ("EncodingGuessed", 1, "größe")
    assert "0xf6 in row 1" in doubt.message
    assert "spec.source.csv.encoding" in doubt.message


def test_a_late_byte_is_guessed_and_told_with_row_and_column(tmp_path: Path) -> None:
    data = b"a,b\n" + b"1,x\n" * 1_200_000 + "2,naïve “café”…\n3,y\n".encode("windows-1252")
    found = table(tmp_path, data)
    assert found.rows[-2:] == [["2", "naïve “café”…"], ["3", "y"]]
    (doubt,) = found.doubts
    assert (doubt.row, doubt.example) == (1_200_002, "naïve")
    assert "column 'b'" in doubt.message


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param("a,b\n1,Привет\n".encode("windows-1251"), ["0xcf", "row 2, column 'b'"], id="Cyrillic"),
        pytest.param("a,b\n1,東京\n".encode("shift-jis"), ["row 2"], id="Japanese"),
        pytest.param("a,b\n1,北京市\n".encode("gbk"), ["row 2"], id="Chinese"),
        pytest.param("a,b\n1,Αθήνα\n".encode("iso-8859-7"), ["row 2"], id="Greek"),
        pytest.param("a,b\n1,Föhre\n2,Grün\n".encode("cp850"), ["row 2"], id="DOS"),
        pytest.param("a,b\n1,Grün\n2,früh\n".encode("mac-roman"), ["row 2"], id="Macintosh"),
        pytest.param("ä,b\n1,x\n".encode() + b"2,M\xfcller\n", ["0xfc", "row 3"], id="two encodings"),
        pytest.param("ä,b\n".encode() + b"1,x\n" * 200_000 + b"2,M\xfcller\n", ["row 200002", "'b'"], id="late"),
        pytest.param("ä,b\n".encode("utf-8-sig") + b"2,M\xfcller\n", ["UTF-8", "row 2"], id="against the mark"),
        pytest.param(
            codecs.BOM_UTF16_LE + "a,b\n1,".encode("utf-16-le") + b"\x00\xd8x\x00\n\x00", ["row 2"], id="half"
        ),
    ],
)
def test_what_is_not_known_is_refused_with_row_and_column(tmp_path: Path, data: bytes, says: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        table(tmp_path, data)
    assert caught.value.reason == "NotText"
    for word in (*says, "spec.source.csv.encoding"):
        assert word in caught.value.message, caught.value.message


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("windows-1251", "Привет"),
        ("shift-jis", "東京"),
        ("cp850", "Föhre"),
        ("utf-16-le", "Föhre"),
        ("gb18030", "北京"),
    ],
)
def test_what_is_said_is_taken(tmp_path: Path, name: str, word: str) -> None:
    found = table(tmp_path, f"a,b\n1,{word}\n".encode(name), csv={"encoding": name})
    assert (found.rows, found.doubts) == ([["1", word]], [])


def test_utf16_without_a_mark_is_told(tmp_path: Path) -> None:
    found = table(tmp_path, TEXT.encode("utf-16-le"))
    assert (found.rows, found.reasons()) == (ROWS, ["EncodingGuessed"])


def test_comments_above_the_table_move_its_rows(tmp_path: Path) -> None:
    found = table(tmp_path, "# by Müller\n# and Föhr\na,b\n1,x\n2,Grün\n".encode("latin-1"))
    assert found.rows == [["1", "x"], ["2", "Grün"]]
    assert [(doubt.reason, doubt.row) for doubt in found.doubts] == [("EncodingGuessed", 5), ("LinesSkipped", 1)]


def test_utf8_that_is_asked_for_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="0xfc in row 2"):
        table(tmp_path, b"a,b\n1,M\xfcller\n", csv={"encoding": "utf-8"})
