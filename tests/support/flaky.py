"""Tests on a cluster that fail run once more where CI runs them; what came of both is told at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

NOTES = "MODELYARD_FLAKY"
"""The variable that names the file to which runs of several phases add theirs, a line of JSON each."""


def mark(items: Iterable[pytest.Item]) -> None:
    """Those on a cluster get a second try, of which nothing is hidden."""
    if os.environ.get("CI") != "true":
        return
    for item in items:
        if item.get_closest_marker("cluster") or item.get_closest_marker("kwok"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def summary(stats: dict[str, list[Any]]) -> list[dict[str, str]]:
    """Of each test that ran twice: its name, how it ended at last, and why it failed at first."""
    again = {report.nodeid: report for report in stats.get("rerun", ())}
    bad = {report.nodeid for outcome in ("failed", "error") for report in stats.get(outcome, ())}
    return [
        {"test": name, "then": "failed" if name in bad else "passed", "first": _line(report)}
        for name, report in again.items()
    ]


def write(found: list[dict[str, str]]) -> None:
    if NOTES in os.environ:
        with Path(os.environ[NOTES]).open("a") as file:
            file.writelines(json.dumps(one) + "\n" for one in found)


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def told(found: list[dict[str, str]]) -> str:
    lines = [f"  {one['test']}: failed, then {one['then']}: {one['first']}" for one in found]
    return "\n".join(["FLAKY: none" if not lines else "FLAKY", *lines])


def _line(report: Any) -> str:
    """The last line of the first failure that says something."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
