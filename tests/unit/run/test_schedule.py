"""Checks that phases begin after those they wait for, that a failure stops all, and an interrupt leaves no process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.common.paths import REPO
from tests.run import schedule
from tests.run.phase import Phase

FOR_EVER = [sys.executable, "-c", "import time; time.sleep(600)"]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_each_begins_after_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    one = Phase("one", [python("print('of one')"), python("print('its second command')")])
    two = Phase("two", [python("print('of two')")], after=("one",))
    assert schedule.run([two, one]) == []
    assert one.began is not None
    assert one.seconds is not None
    assert two.began is not None
    assert two.began >= one.began + one.seconds
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines.index("one | its second command") < lines.index("two | of two")


def test_a_phase_keeps_the_lines_of_tests_that_failed() -> None:
    output = "FAILED test_a.py::test - assert 1\nERROR    modelyard:main.py:1 a log line\nfine"
    phase = Phase("unit", [python(f"print({output!r}); raise SystemExit(1)")])
    assert schedule.run([phase]) == [phase]
    assert phase.failures == ["FAILED test_a.py::test - assert 1"]


def test_a_failure_stops_what_runs_and_begins_nothing_more() -> None:
    began = time.monotonic()
    phases = [
        Phase("fails", [python("raise SystemExit(3)"), FOR_EVER]),
        Phase("runs", [FOR_EVER]),
        Phase("next", [FOR_EVER], after=("fails",)),
    ]
    assert schedule.run(phases) == [phases[0]]
    assert time.monotonic() - began < 30
    assert phases[1].code not in (0, None)
    table = schedule.table(phases, began)
    assert "FAILED (3)" in table
    assert "stopped" in table
    assert "was not begun" in table


def test_an_interrupt_that_comes_while_a_command_starts_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    starting, start = threading.Event(), Phase._start

    def slow(phase: Phase, argv: Sequence[str]) -> subprocess.Popen[str]:
        starting.set()
        time.sleep(0.5)
        return start(phase, argv)

    monkeypatch.setattr(Phase, "_start", slow)
    phase = Phase("one", [FOR_EVER])
    running = threading.Thread(target=phase.run)
    running.start()
    assert starting.wait(30)
    phase.interrupt()
    running.join(30)
    assert not running.is_alive()
    assert phase.code not in (0, None)


def test_an_interrupt_ends_all_and_is_raised(tmp_path: Path) -> None:
    code = f"""
import sys
from tests.run import schedule
from tests.run.phase import Phase
child = "import os, time; open({str(tmp_path / "pid")!r}, 'w').write(str(os.getpid())); time.sleep(600)"
schedule.run([Phase("one", [[sys.executable, "-c", child]])])
"""
    process = subprocess.Popen(python(code), cwd=REPO, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    ends = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < ends
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
