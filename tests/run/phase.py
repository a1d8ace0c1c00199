"""One phase of the tests: commands one after the other, their output line by line under the phase's name."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

GRACE = 60.0
"""Seconds that an interrupted phase has for its own cleaning up."""
_PRINTING = threading.Lock()


@dataclass
class Phase:
    """It begins once all phases of ``after`` have ended well."""

    name: str
    commands: Sequence[Sequence[str]]
    after: tuple[str, ...] = ()
    began: float | None = None
    seconds: float | None = None
    code: int | None = None
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)
    _told: bool = False

    def run(self) -> None:
        """To its end; ``code`` is that of the first command that fails, or 0."""
        self.began = time.monotonic()
        tell(self.name, "begins")
        code = 0
        for argv in self.commands:
            code = 130 if self._told else self._one(argv)
            if code:
                break
        self.seconds = time.monotonic() - self.began
        tell(self.name, f"{'done' if code == 0 else f'ended with exit code {code}'} after {clock(self.seconds)}")
        self.code = code

    def _one(self, argv: Sequence[str]) -> int:
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own: an interrupt reaches it once, from ``interrupt``, and not the clusters it started.
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout
        for line in self._process.stdout:
            tell(self.name, line.rstrip("\n"))
        return self._process.wait()

    def interrupt(self) -> None:
        """Ends what runs of it, as Ctrl-C would; no further command begins. Returns once all of it has ended."""
        self._told = True
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
    """One line of a phase; those of phases that run at the same time don't mix within a line."""
    with _PRINTING:
        print(f"{name:>9} | {text}", flush=True)


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
