"""Generates the load with wrk, a compiled program, on a core of its own, in a closed loop."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.common.say import CannotRun
from tests.support.debian import libraries, unpacked

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Round:
    """One server under load for some seconds.

    ``rate`` is in answers per second, ``p50`` to ``p99`` are in milliseconds, and ``failed`` counts requests.
    ``cpu_percent`` is the share of one core that all processes of the server use, and ``cpu_us`` is their microseconds
    per answer, which a busy machine changes least.
    """

    rate: float
    p50: float
    p95: float
    p99: float
    failed: int
    cpu_percent: float = 0.0
    cpu_us: float = 0.0


@functools.cache
def program() -> tuple[str, dict[str, str]]:
    """Returns wrk and its environment: the machine's own, or Debian's, which is downloaded once. Raises CannotRun.

    Call it before the process enters a cluster's network, where nothing can be downloaded.
    """
    if own := shutil.which("wrk"):
        return own, dict(os.environ)
    root = unpacked("wrk", with_dependencies=True)
    return str(root / "usr/bin/wrk"), {**os.environ, "LD_LIBRARY_PATH": libraries(root)}


def raw(host: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Returns a whole HTTP/1.1 request; ``host`` is the value of its Host header."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(
    port: int, requests: list[Path], connections: int, seconds: int, cpu: int, address: str = "127.0.0.1"
) -> Round:
    """Keeps ``connections`` alive, each of which sends its next request after its answer. Raises CannotRun."""
    wrk, environment = program()
    argv = ["taskset", "-c", str(cpu), wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    argv += ["-s", str(SCRIPT), f"http://{address}:{port}", "--", *map(str, requests)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 30, env=environment, check=False)
    if done.returncode:
        raise CannotRun(f"wrk failed with exit code {done.returncode}: {done.stderr or done.stdout}")
    report = json.loads(done.stdout.splitlines()[-1])
    times = (report[name] / 1e3 for name in ("p50", "p95", "p99"))
    return Round(report["answered"] / report["microseconds"] * 1e6, *times, report["failed"])
