"""The reference is current and complete."""

from __future__ import annotations

from modelyard_api.generate import reference
from modelyard_api.kinds.registry import KINDS


def test_it_is_current() -> None:
    assert reference.FILE.read_text() == reference.text(), "run `make docs`"


def test_it_names_every_kind_field_and_rule() -> None:
    text = reference.text()
    for name, kind in KINDS.items():
        assert f"## {name}\n" in text
        for rule in kind.info.rules:
            assert rule["message"] in text
    for field in (
        "**`spec.source.configMap.key`**",
        "`spec.columns[].maxMissing`",
        "`spec.podTemplate.resources.requests`",
        "`status.champion`",
        "`resources.run.limits`",
        "`trackingURL`",
    ):
        assert f"| {field} |" in text


def test_every_row_has_a_description() -> None:
    rows = [line for line in reference.text().splitlines() if line.startswith(("| `", "| **"))]
    assert len(rows) > 150
    assert [row for row in rows if not row.endswith((". |", ".) |"))] == []
