"""A program with all its child processes, pinned to one core: measures memory and CPU time, pauses and stops them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class Tree:
    """Runs ``argv`` on core ``cpu``, with its output in ``log``."""

    def __init__(self, argv: Sequence[str], log: Path, cpu: int, env: Mapping[str, str] | None = None) -> None:
        self.log, self.began = log, time.monotonic()
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(cpu), *argv],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if env is None else env),
                cwd=log.parent,
                start_new_session=True,  # in a shell's session, Linux would continue what is paused when the shell ends
            )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def pids(self) -> list[int]:
        """Returns the pids of the tree, the program's first."""
        children: dict[int, list[int]] = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and (stat := _read(f"/proc/{entry}/stat")):
                # The name in parentheses may contain anything, so count the fields from its end.
                children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
        pids = [self._process.pid]
        for pid in pids:
            pids.extend(children.get(pid, []))
        return pids

    def cpu_seconds(self) -> float:
        """Returns the user and system time of the processes that run now, in seconds."""
        stats = (_read(f"/proc/{pid}/stat").rpartition(")")[2].split() for pid in self.pids())
        return sum((int(stat[11]) + int(stat[12])) / _TICKS for stat in stats if stat)

    def memory_mb(self) -> tuple[float, float]:
        """Returns the tree's sums of PSS and RSS in MB (10^6 bytes). PSS counts a page of n processes as 1/n."""
        pss = rss = 0
        for pid in self.pids():
            for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
                name, _, value = line.partition(":")
                if name in ("Pss", "Rss"):
                    kilobytes = int(value.split()[0])
                    pss, rss = pss + kilobytes * (name == "Pss"), rss + kilobytes * (name == "Rss")
        return pss * 1024 / 1e6, rss * 1024 / 1e6

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self, seconds: float = 10) -> None:
        """Sends SIGTERM to the program, and kills what is left of the tree after its end, or after ``seconds``."""
        self.resume()
        pids = self.pids()
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pids = [*{*pids, *self.pids()}]
            self._process.kill()
            self._process.wait()
        for pid in pids[1:]:
            if _read(f"/proc/{pid}/stat"):
                _kill(pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids():
            _kill(pid, number)


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _read(path: str) -> str:
    """Returns the file's text, or an empty string if the process is gone."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
