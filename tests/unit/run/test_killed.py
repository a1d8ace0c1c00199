"""Checks that the clusters of a run that was killed are made anew, and those of any other run are kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.common.paths import REPO
from tests.run import killed, phase
from tests.run.phase import Phase

NAME = "one"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELYARD_CACHE", str(tmp_path / "cache"))
    return tmp_path


def ended(code: int) -> Phase:
    ends = f"os.kill(0, {-code})" if code < 0 else f"sys.exit({code})"
    done = Phase("unit", [[sys.executable, "-c", f"import os, sys; {ends}"]])
    done.run()
    assert done.code == code
    return done


def test_the_first_run_removes_nothing() -> None:
    assert not killed.begin(NAME)


def test_a_killed_run_s_clusters_are_removed(capsys: pytest.CaptureFixture[str]) -> None:
    code = f"import os\nfrom tests.run import killed\nkilled.begin({NAME!r})\nos.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, check=False).returncode == -signal.SIGKILL
    assert killed.begin(NAME)
    assert "killed before its tests could put back" in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, 1, 2, -signal.SIGINT])
def test_what_ends_by_itself_or_by_an_interrupt_keeps_them(code: int) -> None:
    killed.begin(NAME)
    killed.end(NAME, [Phase("not begun", []), ended(code)])
    assert not killed.begin(NAME)


@pytest.mark.parametrize("code", [-signal.SIGKILL, -signal.SIGTERM, -signal.SIGSEGV])
def test_a_phase_that_was_killed_removes_them(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    killed.begin(NAME)
    killed.end(NAME, [ended(code)])
    assert "killed: unit" in capsys.readouterr().err
    assert killed.begin(NAME)


def test_a_phase_that_does_not_end_within_its_grace_removes_them(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    killed.begin(NAME)
    monkeypatch.setattr(phase, "GRACE", 0.1)
    ready = cache / "ready"
    code = f"import signal, time; signal.signal(2, signal.SIG_IGN); open({str(ready)!r}, 'w'); time.sleep(600)"
    deaf = Phase("deaf", [[sys.executable, "-c", code]])
    running = threading.Thread(target=deaf.run)
    running.start()
    while not ready.exists():
        assert running.is_alive()
        running.join(0.05)
    deaf.interrupt()
    running.join(30)
    killed.end(NAME, [deaf])
    assert killed.begin(NAME)
