"""Checks that the page of reasons documents exactly the reasons in the code."""

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
TAKES_REASON = {
    **dict.fromkeys(("Trouble", "UserError", "Refusal", "Note", "Waits"), 0),
    **dict.fromkeys(("ready", "reconciling", "stalled", "complete", "failed"), 0),
    "Condition": 2,
    "read": 2,
    "resolved": 1,
    "Run": "under_way",
    "Doubt": "reason",
    "tell": 1,
    "_doubt": 0,
}
"""Functions and classes that take a reason -> the index or the name of that argument."""
REASON = re.compile(r"[A-Z]+[a-z]\w*")


def _trees() -> Iterator[ast.AST]:
    for path in SOURCES:
        yield from ast.walk(ast.parse(path.read_text()))


def _documented() -> set[str]:
    first = [row[0] for row in rows(ROOT / "docs/reference/reasons.md")]
    return {reason for cell in first for reason in re.findall(r"`(\w+)`", cell)}


def _reasons_in_code() -> set[str]:
    reasons = set()
    for node in _trees():
        if isinstance(node, ast.Call):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function not in TAKES_REASON:
                continue
            arguments = {**dict(enumerate(node.args)), **{item.arg: item.value for item in node.keywords}}
            if argument := arguments.get(TAKES_REASON[function]):
                reasons |= {item.value for item in ast.walk(argument) if _is_reason(item)}
    return reasons


def _is_reason(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(REASON.fullmatch(node.value))


def test_what_the_code_tells_is_documented() -> None:
    reasons = _reasons_in_code()
    assert len(reasons) > 100
    assert reasons - _documented() == set(), "add them to docs/reference/reasons.md"


def test_what_is_documented_is_in_the_code() -> None:
    texts = {node.value for node in _trees() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert _documented() - texts == set(), "take them out of docs/reference/reasons.md"
