"""The memory that this container may use."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/memory.max")


def limit(cgroup: Path = CGROUP) -> int:
    """Returns the bytes of the container's limit, or of the machine if it has none."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(cgroup.read_text()))
    except (OSError, ValueError):  # no control group of version 2, or "max"
        return machine
