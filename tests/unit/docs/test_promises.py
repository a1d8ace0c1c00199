"""Checks that each promise names tests, and that each named test exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.documentation import ROOT, rows

PROMISES = rows(ROOT / "docs/design/promises.md")


def test_there_are_promises() -> None:
    assert len(PROMISES) > 30


@pytest.mark.parametrize(("promise", "proof"), PROMISES, ids=[promise[:60] for promise, _ in PROMISES])
def test_its_tests_exist(promise: str, proof: str) -> None:
    tests = re.findall(r"`(tests/[^`]+)`", proof)
    assert tests, f"{promise}: it names no test"
    for test in tests:
        path, _, function = test.partition("::")
        assert re.fullmatch(r"test_\w+\.py", (ROOT / path).name), f"{path} is no file of tests"
        names = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, _FUNCTIONS)}
        assert function in names if function else any(name.startswith("test_") for name in names), test


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
