"""Checks that CI repeats a cluster test that failed, and reports it whatever the second result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import flaky

TESTS = """
import pathlib, pytest
TRIES = pathlib.Path(__file__).with_name("tries")
@pytest.mark.{mark}
def test_second_time_lucky():
    tries = int(TRIES.read_text()) if TRIES.exists() else 0
    TRIES.write_text(str(tries + 1))
    assert tries, "not at first"
@pytest.mark.{mark}
def test_never():
    assert False, "not at all"
"""
SHARED = """
import pathlib, shutil, pytest
HERE = pathlib.Path(__file__).parent
@pytest.fixture(scope="session")
def cluster():
    (HERE / "cluster").mkdir()
@pytest.fixture(scope="module")
def world(cluster):
    (folder := HERE / "world").mkdir()
    yield folder
    shutil.rmtree(folder)
@pytest.mark.cluster
def test_first(world):
    (world / "of the first test").mkdir()
@pytest.mark.cluster
def test_second_time_lucky(world):
    (world / "of the second test").mkdir()
    tried = HERE / "tried"
    if not tried.exists():
        tried.touch()
        assert False, "not at first"
@pytest.mark.cluster
def test_third(world):
    assert [path.name for path in world.iterdir()] == ["of the second test"]
@pytest.mark.cluster
def test_never():
    assert False
"""
CONFTEST = """
import pytest
from tests.support import flaky
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    flaky.afresh(item)
def pytest_collection_modifyitems(items):
    flaky.mark(items)
def pytest_terminal_summary(terminalreporter):
    flaky.write(flaky.summary(terminalreporter.stats))
"""


def run(folder: Path, mark: str, ci: str, tests: str = TESTS) -> list[dict[str, str]]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    cluster\n    other\n")
    (folder / "test_some.py").write_text(tests.replace("{mark}", mark))
    (folder / "notes").touch()
    environment = os.environ | {"CI": ci, flaky.NOTES: str(folder / "notes"), "PYTHONPATH": os.getcwd()}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    return flaky.read(folder / "notes")


def test_both_outcomes_are_told(tmp_path: Path) -> None:
    notes = run(tmp_path, "cluster", "true")
    assert [(note["test"].partition("::")[2], note["then"]) for note in notes] == [
        ("test_second_time_lucky", "passed"),
        ("test_never", "failed"),
    ]
    text = flaky.report(notes)
    assert text.startswith("FLAKY\n")
    assert "test_second_time_lucky: failed, then passed: AssertionError: not at first" in text
    assert flaky.report([]) == "FLAKY: none"


def test_a_second_try_finds_nothing_of_the_first_in_what_the_module_shares(tmp_path: Path) -> None:
    notes = run(tmp_path, "cluster", "true", SHARED)
    outcomes = {note["test"].partition("::")[2]: note["then"] for note in notes}
    assert outcomes == {"test_second_time_lucky": "passed", "test_never": "failed"}


@pytest.mark.parametrize(("mark", "ci"), [("other", "true"), ("cluster", "")])
def test_others_fail_at_once(tmp_path: Path, mark: str, ci: str) -> None:
    assert run(tmp_path, mark, ci) == []
