"""Checks that the generated reference is current and complete."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelyard_api.generate import reference
from modelyard_api.kinds.registry import KINDS


def page(name: str) -> str:
    return reference.files()[f"docs/reference/{name}.md"]


def test_they_are_current() -> None:
    assert reference.differences() == [], "run `make docs`"


def test_what_is_not_current_is_named_and_put_right(tmp_path: Path) -> None:
    for path in ("docs/reference", "mkdocs.yml"):
        source = reference.ROOT / path
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / path)
    pages = tmp_path / "docs/reference"
    (pages / "dataset.md").write_text("something else")
    (pages / "model.md").unlink()
    (pages / "gone.md").write_text(f"# Gone\n\n{reference.MARK}\n")
    site = tmp_path / "mkdocs.yml"
    site.write_text(site.read_text().replace("  - Model: reference/model.md\n", ""))
    wrong = ["docs/reference/dataset.md", "docs/reference/gone.md", "docs/reference/model.md", "mkdocs.yml"]
    assert reference.differences(tmp_path) == wrong
    reference.write(tmp_path)
    assert reference.differences(tmp_path) == []
    assert not (pages / "gone.md").exists()
    assert (pages / "reasons.md").exists(), "it is written by hand"


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_a_page_with_its_rules_and_a_place_on_the_site(name: str) -> None:
    text, kind = page(name.lower()), KINDS[name]
    assert text.startswith(f"# {name}\n")
    for rule in kind.info.rules:
        assert rule["message"] in text
    assert f"[{name}]({name.lower()}.md) | `{kind.info.short}` |" in page("index")
    assert f"  - {name}: reference/{name.lower()}.md\n" in reference.files()["mkdocs.yml"]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("dataset", "**`spec.source.configMap.key`**"),
        ("dataset", "`spec.columns[].maxMissing`"),
        ("dataset", "`spec.podTemplate.resources.requests`"),
        ("model", "`status.champion`"),
        ("installation", "`resources.run.limits`"),
        ("installation", "`trackingURL`"),
    ],
)
def test_fields_have_rows(name: str, field: str) -> None:
    assert f"| {field} |" in page(name)


def test_every_row_has_a_description() -> None:
    names = [*(name.lower() for name in KINDS), "installation"]
    rows = [line for name in names for line in page(name).splitlines() if line.startswith(("| `", "| **"))]
    assert len(rows) > 150
    assert [row for row in rows if not row.endswith((". |", ".) |"))] == []
