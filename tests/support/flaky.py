"""In CI a failing test on a cluster runs once more; the end of the output lists the results of both tries."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pytest_rerunfailures import suspended_finalizers

NOTES = "MODELYARD_FLAKY"
"""The environment variable that names the file to which each phase adds its repeated tests, as lines of JSON."""


def mark(items: Iterable[pytest.Item]) -> None:
    """Gives tests on a cluster a second try in CI; ``summary`` reports it."""
    if os.environ.get("CI") != "true":
        return
    for item in items:
        if item.get_closest_marker("cluster") or item.get_closest_marker("kwok"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def afresh(item: pytest.Item) -> None:
    """Before the second try of a test ends what its module, class or package shares, which pytest-rerunfailures keeps:
    so a try finds nothing of what an earlier one has left or changed there. What the session shares stays."""
    if getattr(item, "execution_count", 1) > 1:
        state = item.session._setupstate
        state.stack.update(suspended_finalizers)
        suspended_finalizers.clear()
        state.teardown_exact(item.session)


def summary(stats: dict[str, list[Any]]) -> list[dict[str, str]]:
    """Returns, for each test that ran twice, its name, its final outcome, and why it failed at first."""
    again = {report.nodeid: report for report in stats.get("rerun", ())}
    bad = {report.nodeid for outcome in ("failed", "error") for report in stats.get(outcome, ())}
    return [
        {"test": name, "then": "failed" if name in bad else "passed", "first": _line(report)}
        for name, report in again.items()
    ]


def write(repeated: list[dict[str, str]]) -> None:
    if NOTES in os.environ:
        with Path(os.environ[NOTES]).open("a") as file:
            file.writelines(json.dumps(test) + "\n" for test in repeated)


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def report(repeated: list[dict[str, str]]) -> str:
    lines = [f"  {test['test']}: failed, then {test['then']}: {test['first']}" for test in repeated]
    return "\n".join(["FLAKY: none" if not lines else "FLAKY", *lines])


def _line(report: Any) -> str:
    """Returns the first line of a failure's message that isn't blank, at most 200 characters of it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
