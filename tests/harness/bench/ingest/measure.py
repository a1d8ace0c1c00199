"""Runs a contender in a process of its own, and measures its time and its memory."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.documentation import ROOT

_CGROUPS = Path("/sys/fs/cgroup")
_MIB = 1 << 20


def run(name: str, file: Path, out: Path, url: str, limit: int | None) -> dict[str, Any]:
    """Returns seconds, seconds of CPU, the largest resident size in MiB, and what limited it; ``url`` is that of a
    tracking server. Raises RuntimeError if it fails, for example since it was killed at its limit."""
    command = [sys.executable, "-m", "tests.harness.bench.ingest.contenders", name, str(file), str(out), url]
    with _cgroup(limit) as join:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            join()
            os.chdir(ROOT)
            os.execv(command[0], command)
        _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{name} ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "rss_mib": usage.ru_maxrss // 1024,
        "cgroup": join is not _nothing,
    }


def _nothing() -> None: ...


@contextmanager
def _cgroup(limit: int | None) -> Iterator[Callable[[], None]]:
    """Yields what a process calls to be limited; it does nothing where this machine allows no cgroup."""
    v1 = (_CGROUPS / "memory").is_dir()
    folder = (_CGROUPS / "memory" if v1 else _CGROUPS) / f"bench-ingest-{os.getpid()}"
    join = _nothing
    if limit is not None:
        with suppress(OSError):
            folder.mkdir()
            (folder / ("memory.limit_in_bytes" if v1 else "memory.max")).write_text(str(limit * _MIB))

            def join() -> None:
                (folder / "cgroup.procs").write_text(str(os.getpid()))

    try:
        yield join
    finally:
        with suppress(OSError):
            folder.rmdir()
