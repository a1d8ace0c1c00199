"""Checks that an audit without an answer is no all-clear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.common.say import CannotRun
from tests.supply import audit

CLEAN = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
UNREAD = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (1)"}


def answer(*packages: dict[str, Any]) -> Callable[[Path, str], dict[str, Any]]:
    return lambda path, service: {"dependencies": list(packages)}


def refuse(path: Path, service: str) -> dict[str, Any]:
    raise CannotRun("no advisories")


@pytest.mark.parametrize(
    ("of", "code", "text"),
    [
        (answer(CLEAN), 0, "no known vulnerability"),
        (answer(CLEAN, BAD), 1, "b 1: PYSEC-1, fixed by 2"),
        (answer(CLEAN, UNREAD), 2, "pypi has no advisories of 1 packages, such as c"),
        (answer(BAD, UNREAD), 2, "b 1: PYSEC-1, fixed by 2"),
        (refuse, 2, "no advisories"),
    ],
    ids=["clean", "vulnerable", "unread", "both", "unreachable"],
)
def test_exit_code_and_text(
    of: Any, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "audit", of)
    assert audit.main("pypi") == code
    printed = capsys.readouterr()
    assert text in printed.out + printed.err


def test_every_image_is_audited() -> None:
    images = {path.parent for path in (audit.REPO / "images").glob("*/Dockerfile")}
    assert images <= {path.parent for path in audit.FILES}
