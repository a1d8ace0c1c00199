"""Checks the report of a version: what it says, its size, and that no text from the data is more than text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from modelyard_api.kinds.datasetversion import Violation
from modelyard_api.wire.report import SCRIPT, hashed
from modelyard_runtime.tables.report import kept, page
from modelyard_runtime.tables.report.looks import FOLDER
from modelyard_runtime.tables.report.material import Material, Remark
from modelyard_runtime.tables.report.page import MOST_BYTES, report_of
from tests.unit.runtime.memory import MemoryStore, run_ingest
from tests.unit.runtime.report.tables import birds, hostile, material_of, wide


class Read(HTMLParser):
    """Reads a page as a browser does: its texts, its tags, and what they have open."""

    VOID = frozenset({"meta", "input", "path", "br"})

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(data.decode())
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))


def text_of(material: Material) -> str:
    return Read(report_of(material)).text


def test_it_says_first_what_needs_attention() -> None:
    violation = Violation(column="body_mass_g", rule="max 6000", found="3 are greater", examples=["6300"])
    doubt = Remark("year", "LooksLikeYear", "declare it Category", ["2007"], [2, 9], "a.csv")
    change = Remark("tagged", "Added", "it was not there")
    material = material_of(
        birds(), "species", violations=[violation], doubts=[doubt], changes=[change], accepted=False, dropped=4
    )
    text = text_of(material)
    assert "Rejected: 1 rule is broken. It is kept as evidence and never used." in text
    order = [text.index(part) for part in (
        "Broken rule body_mass_g: max 6000: 3 are greater For example 6300",
        "Doubt year: LooksLikeYear: declare it Category For example 2007 (rows 2, 9 of a.csv)",
        "Change tagged: Added: it was not there",
        "Columns ColumnType",
    )]  # fmt: skip
    assert order == sorted(order)
    assert "Dropped4 of 348: no target" in text


def test_what_it_says_of_a_number() -> None:
    table = pa.table({"x": pa.array([1.0, 2.0, 3.0, None]), "y": pa.array(["a", "a", "b", "b"])})
    text = text_of(material_of(table, "y"))
    assert "1 value is missing (25 %), 3 distinct values." in text
    assert "least 1 5 % 1.1 25 % 1.5 median 2 75 % 2.5 95 % 2.9 greatest 3" in text


def test_a_class_is_told_beside_each_value() -> None:
    """Of a boolean too, which is text nowhere."""
    table = pa.table({"x": pa.array([True, True, False] * 5), "y": pa.array(["a", "a", "b"] * 5)})
    titles = [value for name, value in Read(report_of(material_of(table, "y"))).attributes if name == "title"]
    assert titles[1:] == ["a 0 %, b 100 %", "a 100 %, b 0 %"]


def test_few_whole_numbers_are_told_one_by_one_and_those_of_the_parent_too() -> None:
    few = pa.table({"x": pa.array([2, 2, 3, None])})
    text = text_of(material_of(few, parent=pa.table({"x": pa.array([1, 2])})))
    assert "ValueShare of the rowsWas 10 %50 % 250 %50 % 325 %0 % missing25 %0 %" in text
    far = pa.table({"x": pa.array([1, 500])})
    assert "median 2" in text_of(material_of(few, parent=far))


def test_what_tells_the_target_and_what_has_moved_is_noticed() -> None:
    table, parent = birds(), birds(1)
    told = table.append_column("copy", pa.array([f"is {text}" for text in table["species"].to_pylist()]))
    moved = told.set_column(2, "body_mass_g", pa.array(np.full(len(told), 9000.0)))
    text = text_of(material_of(moved, "species", parent))
    assert re.search(r"almost the target: copy \((9[5-9]|9\d\.\d) %\)\. In the sample nearly all", text)
    assert "shifted: body_mass_g (1). It differs from the parent beyond doubt." in text
    assert "one value alone: body_mass_g. No model learns from it." in text
    assert "There is nothing to compare it with in birds-0a1b2c3d4e." in text


@pytest.mark.parametrize(
    "material",
    [
        material_of(birds()),
        material_of(birds(), "body_mass_g", birds(2)),
        material_of(birds(), "seen_at"),
        material_of(pa.table({"x": pa.array([1.5, 2.5])})),
        material_of(pa.table({"x": pa.array([None, None], pa.float64()), "t": pa.array([None, ""], pa.string())})),
        material_of(pa.table({"x": pa.array([7.0] * 9), "y": pa.array(["a"] * 9)}), "y"),
        material_of(pa.table({"k": pa.array([f"k{i}" for i in range(1000)] * 2), "y": pa.array([0, 1] * 1000)}), "y"),
        material_of(pa.table({"y": pa.array([f"k{i}" for i in range(1000)] * 2), "x": pa.array([0, 1] * 1000)}), "y"),
        material_of(pa.table({"id": pa.array([f"k{i}" for i in range(50_000)]), "y": pa.array([0, 1] * 25_000)}), "y"),
        material_of(pa.table({"x": pa.array([-3e38, 0.0, 3e38]), "z": pa.array([1e-30, 2e-30, 3e-20])})),
        material_of(pa.table({"big": pa.array([2**53 - i for i in range(40)]), "i": pa.array(range(-20, 20))}), "i"),
        replace(material_of(birds(), "species"), sketches=()),
        replace(material_of(birds(), "species", birds()), sample=birds().slice(0, 0)),
    ],
    ids=["no target", "regression", "times", "one column", "all missing", "constant", "1000 categories", "1000 classes",
         "identifier", "extremes", "large", "no sketches", "no sample"],
)  # fmt: skip
def test_whatever_the_table_there_is_a_report(material: Material) -> None:
    read = Read(report_of(material))
    assert read.tags.count("details") == len(material.columns)
    assert "nan" not in read.text.lower().replace("finan", "")


@pytest.mark.parametrize(("columns", "least"), [(3, 3), (300, 290), (1000, 100)])
def test_it_is_smaller_than_a_megabyte(columns: int, least: int) -> None:
    data = report_of(material_of(wide(columns), "label", wide(columns, 1000, 2)))
    assert len(data) <= MOST_BYTES
    read = Read(data)
    assert read.tags.count("details") >= min(least, columns)
    said = f"The other {columns - read.tags.count('details')} are in the table alone." in read.text
    assert said == (read.tags.count("details") < columns)
    assert read.tags.count("tr") >= columns


@pytest.mark.parametrize("char", ['"', "\u202e"])
def test_a_wide_table_of_the_longest_texts_fits_too(char: str) -> None:
    names = [f"{char * 123}{i:04}" for i in range(1000)]
    table = pa.table({name: pa.array([f"{char * 60}{i % 3}" for i in range(40)]) for name in names})
    text, many = char * 512, [1, 2, 3, 4, 5]
    remarks = [Remark(name, text[:256], text, [text] * 5, many, text) for name in names]
    broken = [Violation(column=name, rule=text, found=text, examples=[text] * 5, rows=many) for name in names]
    material = material_of(table, names[0], table, violations=broken, doubts=remarks, changes=remarks)
    data = report_of(material)
    assert len(data) <= MOST_BYTES
    listed = sum(data.count(f'<li class="{kind}">'.encode()) for kind in ("bad", "doubt", "change"))
    left_out = re.search(r"([\d,]+) more are not listed here", Read(data).text)
    assert left_out
    assert listed > 10
    assert listed + int(left_out[1].replace(",", "")) == 3000


def test_no_text_from_the_data_is_more_than_text() -> None:
    table = hostile()
    violations = [Violation(column=name, rule=name, found=name, examples=[name] * 5) for name in table.column_names]
    remarks = [Remark(name, name, name * 9, [name], [1], name) for name in table.column_names]
    told = {"violations": violations, "doubts": remarks, "changes": remarks}
    plain = Read(
        report_of(material_of(table.rename_columns([f"c{i}" for i in range(table.num_columns - 1)] + ["y"]), "y"))
    )
    read = Read(report_of(material_of(table, "y", table, **told)))
    assert set(read.tags) <= {*plain.tags, "ul", "li", "code"}
    assert read.tags.count("script") == read.tags.count("style") == 1
    allowed = {name for name, _ in plain.attributes}
    assert {name for name, _ in read.attributes} <= allowed
    assert not [
        value for name, value in read.attributes if name in ("href", "src") and not re.fullmatch(r"#c\d+", value or "")
    ]
    assert "<script>alert(1)</script>" in read.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", read.text)


def test_the_same_material_gives_the_same_bytes() -> None:
    material = material_of(birds(), "species", birds(1))
    assert report_of(material) == report_of(material)


def test_its_script_is_the_one_that_the_tracking_server_lets_run() -> None:
    """If this fails the script has changed: write its hash into modelyard_api/wire/report.py."""
    assert hashed((FOLDER / "script.js").read_text()) == SCRIPT


def test_ingest_keeps_it_beside_the_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40)) + "9,\n")
    store = MemoryStore()
    result = run_ingest(tmp_path, "t.csv", store, target="y")
    text = Read(store.files[f"{result.uri}/report.html"]).text
    assert (result.report, result.report_problem) == (True, None)
    assert f"s-{result.version_id[:10]}" in text
    assert "1 of 41: no target" in text


def test_a_report_that_fails_costs_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40)))

    def fail(material: Material) -> bytes:
        raise ZeroDivisionError("no bins")

    monkeypatch.setattr(page, "report_of", fail)
    store = MemoryStore()
    result = run_ingest(tmp_path, "t.csv", store, target="y")
    assert (result.accepted, result.report, result.report_problem) == (True, False, "ZeroDivisionError: no bins")
    assert f"{result.uri}/report.html" not in store.files


def test_a_store_that_is_full_costs_no_version() -> None:
    def full(uri: str, data: bytes) -> None:
        raise kept.UserError("StorageLimitReached", "it can't be kept")

    assert kept.keep("x", lambda: material_of(birds()), full) == "it can't be kept"
