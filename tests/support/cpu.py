"""Measures the CPU time of processes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Returns the seconds of user and system time that a process has used since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Costs:
    """Counts the CPU seconds of some processes from now on, and those of the benchmark itself."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = {**pids, "benchmark": os.getpid()}
        self._before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}

    def since(self) -> dict[str, float]:
        return {name: round(cpu_seconds(pid) - self._before[name], 2) for name, pid in self._pids.items()}
