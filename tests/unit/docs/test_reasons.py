"""The page of reasons and the code have the same ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.support.documentation import ROOT, rows

SOURCES = [
    path
    for folder in ("operator/modelyard", "images/runtime/modelyard_runtime", "crds/modelyard_api")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
TELLS = {
    **dict.fromkeys(("Trouble", "UserError", "Refusal", "Note", "Waits"), 0),
    **dict.fromkeys(("ready", "reconciling", "stalled", "complete", "failed"), 0),
    "Condition": 2,
    "read": 2,
}
"""Functions and classes that take a reason, and at which place."""
REASON = re.compile(r"[A-Z]+[a-z]\w*")


def _trees() -> Iterator[ast.AST]:
    for path in SOURCES:
        yield from ast.walk(ast.parse(path.read_text()))


def _documented() -> set[str]:
    first = [row[0] for row in rows(ROOT / "docs/reference/reasons.md")]
    return {reason for cell in first for reason in re.findall(r"`(\w+)`", cell)}


def _told() -> set[str]:
    found = set()
    for node in _trees():
        if isinstance(node, ast.Call):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = TELLS.get(function)
            if place is not None and len(node.args) > place:
                found |= {item.value for item in ast.walk(node.args[place]) if _is_reason(item)}
    return found


def _is_reason(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(REASON.fullmatch(node.value))


def test_what_the_code_tells_is_documented() -> None:
    told = _told()
    assert len(told) > 100
    assert told - _documented() == set(), "add them to docs/reference/reasons.md"


def test_what_is_documented_is_in_the_code() -> None:
    texts = {node.value for node in _trees() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert _documented() - texts == set(), "take them out of docs/reference/reasons.md"
