"""Checks which files a change has, which tests it reaches by imports, and how it weighs in the samples."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modelyard_api.kinds.registry import KINDS
from tests.harness.faults import sample
from tests.harness.faults.scenarios import SCENARIOS
from tests.run.changed import selected
from tests.support import changes
from tests.support.seed import VARIABLE, seed


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_the_files_of_a_branch_and_of_the_last_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(changes.BASE, raising=False)
    assert changes.files(tmp_path) == [], "no history, no change"
    git(tmp_path, "init", "--initial-branch=main")
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        git(tmp_path, "add", name)
        git(tmp_path, "commit", "-m", name)
    assert changes.files(tmp_path) == ["b"], "on main itself: since the commit before"
    git(tmp_path, "checkout", "-b", "topic")
    (tmp_path / "a").write_text("other")
    git(tmp_path, "commit", "-am", "other")
    (tmp_path / "c").write_text("new")
    assert changes.files(tmp_path) == ["a", "c"]


def test_imports_are_followed() -> None:
    decide = "operator/modelyard/kinds/modelpool/decide.py"
    assert changes.module(decide) == "modelyard.kinds.modelpool.decide"
    assert changes.module("tests/unit/run/__init__.py") == "tests.unit.run"
    assert changes.module("README.md") is None
    assert changes.touched_kinds([decide]) == {"modelpool"}
    assert len(changes.touched_kinds(["operator/modelyard/engine/store.py"])) == len(KINDS)
    assert {"tests/unit/kinds/test_loop.py", "tests/unit/kinds/test_samples.py"} <= set(selected([decide]))
    assert "tests/contract/test_rules.py" in selected(["tests/kinds/modelpool.py"])
    files = selected(["images/runtime/modelyard_runtime/tables/versions/split.py"])
    assert "tests/unit/runtime/test_ingest.py" in files
    assert not [name for name in files if name.startswith(("tests/unit/engine", "tests/cluster"))]


def test_every_scenario_has_its_day_and_a_change_weighs() -> None:
    days = range(740_000, 740_000 + len(SCENARIOS))
    assert {sample.scenarios(day, ())[0] for day in days} == set(SCENARIOS)
    assert all(len(set(sample.scenarios(day, ()))) == 2 for day in days)

    def days_with_pools(touched: set[str]) -> int:
        return sum("modelpool" in sample.kinds(sample.scenarios(day, touched)[1]) for day in range(740_000, 741_000))

    assert days_with_pools({"modelpool"}) > 3 * days_with_pools(set())


def test_a_seed_may_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "12")
    assert seed() == 12
    monkeypatch.setenv(VARIABLE, "x")
    with pytest.raises(ValueError, match="MODELYARD_SEED='x': it must be a whole number"):
        seed()
