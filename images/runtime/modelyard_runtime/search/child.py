"""Runs a function in a forked child that can be ended: at its time limit, at the pod's memory, or by its own crash."""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

from modelyard_runtime.pod.errors import UserError

TICK = 3.0
"""Seconds between two calls of ``tick``."""
MARGIN = 64 * 1024 * 1024
"""Bytes of the pod's memory that are left to the worker itself."""
_CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


class Ended(Exception):
    """The child has no value: it says why."""


def run(function: Callable[[], float], seconds: float, tick: Callable[[], bool]) -> float | None:
    """Returns the function's value, or None if ``tick`` says that it isn't wanted any more. Raises Ended.

    ``tick`` is called every few seconds, and returns whether to go on. Above the memory that the pod has left the child
    gets a MemoryError: otherwise the kernel could end the whole pod, and with it the worker that has to tell.
    """
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reads)
        _child(function, writes)
    os.close(writes)
    try:
        data = _await(reads, time.monotonic() + seconds, tick)
    finally:
        os.close(reads)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if data is None:
        return None
    if not data:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        raise Ended(f"Crashed: its process was ended by {signal.Signals(number).name if number else 'itself'}")
    document = json.loads(data)
    if "value" in document:
        return float(document["value"])
    raise Ended(document["error"])


def _await(reads: int, ends: float, tick: Callable[[], bool]) -> bytes | None:
    """Returns all that the child writes, or None if it isn't wanted any more. Raises Ended at the time limit."""
    data = b""
    while True:
        left = ends - time.monotonic()
        if left <= 0:
            raise Ended("TimedOut: it took longer than spec.trialTimeout")
        if not select.select([reads], [], [], min(left, TICK))[0]:
            if left > TICK and not tick():
                return None
            continue
        part = os.read(reads, 65536)
        if not part:
            return data
        data += part


def _child(function: Callable[[], float], writes: int) -> None:
    """Runs the function in this process, writes what came of it, and ends the process."""
    try:
        if (left := _memory_left()) is not None:
            limit = _address_space() + left
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        value = function()
        document = {"value": value} if math.isfinite(value) else {"error": f"NotFinite: its value is {value}"}
    except UserError as error:
        document = {"error": f"{error.reason}: {error.message}"}
    except MemoryError:
        document = {"error": "OutOfMemory: it needs more than spec.podTemplate.resources.limits.memory"}
    except BaseException as error:
        document = {"error": f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"}
    try:
        os.write(writes, json.dumps(document, allow_nan=False).encode()[:60000])
    finally:
        os._exit(0)


def _memory_left() -> int | None:
    """Returns the bytes that this container may still use, or None if it has no limit."""
    for limit, usage in _CGROUPS:
        try:
            allowed, used = limit.read_text().strip(), int(usage.read_text())
        except (OSError, ValueError):
            continue
        if allowed == "max" or int(allowed) > 2**60:
            return None
        return max(int(allowed) - used - MARGIN, MARGIN)
    return None


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
