"""One phase of the tests: runs commands one after the other, and prints their output under the phase's name."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

GRACE = 60.0
"""Seconds that an interrupted phase has for its own clean-up."""
FAILED = re.compile(r"(FAILED|ERROR) \S")
"""Begins pytest's line about a test that failed. A captured log line has more blanks after its level."""
FAILURE = 300
"""Characters of such a line that the end of the output repeats."""
_PRINTING = threading.Lock()


@dataclass
class Phase:
    """Begins once all phases of ``after`` have succeeded."""

    name: str
    commands: Sequence[Sequence[str]]
    after: tuple[str, ...] = ()
    began: float | None = None
    seconds: float | None = None
    code: int | None = None
    failures: list[str] = field(default_factory=list)
    """What pytest printed of each test that failed: its name and the first line of its error."""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)
    interrupted: bool = False
    _starting: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Whoever holds it may start a process or forbid further ones, so that no process starts after an interrupt."""

    def run(self) -> None:
        """Runs the commands; ``code`` becomes that of the first command that fails, or 0."""
        self.began = time.monotonic()
        tell(self.name, "begins")
        code = 0
        for argv in self.commands:
            code = self._run_command(argv)
            if code:
                break
        self.seconds = time.monotonic() - self.began
        tell(self.name, f"{'done' if code == 0 else f'ended with exit code {code}'} after {clock(self.seconds)}")
        self.code = code

    def _run_command(self, argv: Sequence[str]) -> int:
        with self._starting:
            if self.interrupted:
                return 130
            self._process = self._start(argv)
        assert self._process.stdout
        for line in self._process.stdout:
            tell(self.name, line.rstrip("\n"))
            if FAILED.match(line):
                self.failures.append(line.strip()[:FAILURE])
        return self._process.wait()

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # With a process group of its own it gets one interrupt only, from ``interrupt``; its clusters get none.
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def interrupt(self) -> None:
        """Ends the running command as Ctrl-C would, and begins no further one. Returns once the command has ended."""
        with self._starting:
            self.interrupted = True
            process = self._process
        if process is None or process.poll() is not None:
            return
        for number, seconds in ((signal.SIGINT, GRACE), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
            try:
                os.killpg(process.pid, number)
                process.wait(seconds)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def tell(name: str, text: str) -> None:
    """Prints one line of a phase, whole even if several phases print at the same time."""
    with _PRINTING:
        print(f"{name:>9} | {text}", flush=True)


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
