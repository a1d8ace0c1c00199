"""Who uses the processors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """What a process has used since its start, in user and system time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Costs:
    """CPU seconds of some processes from now on; the benchmark itself is among them."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = {**pids, "benchmark": os.getpid()}
        self._before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}

    def since(self) -> dict[str, float]:
        return {name: round(cpu_seconds(pid) - self._before[name], 2) for name, pid in self._pids.items()}
