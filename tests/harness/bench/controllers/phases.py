"""The measured phases, one function each; all return figures."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from modelyard.engine.client import ApiClient
from modelyard.engine.resource import JOBS, TRAINING_RUNS, Object
from tests.harness.bench.controllers import objects
from tests.harness.bench.controllers.place import APPLIERS, BENCH, Watch
from tests.kinds import standing
from tests.support.at_once import at_once
from tests.support.cpu import Costs
from tests.support.operator import WRITES, Operator
from tests.support.report import Progress
from tests.support.tracking import Tracking


async def put_data(tracking: Tracking) -> None:
    tracking.put(*standing.data_result(BENCH))


async def make_jobs(
    client: ApiClient, operator: Operator, costs: Costs, tracking: Tracking, count: int, profile: str | None
) -> Object:
    """Measures from the first apply until the last Job exists and every run has a status."""
    applied: dict[str, float] = {}
    reported: dict[str, float] = {}
    created: dict[str, float] = {}
    progress, complete = Progress("Jobs made", count), asyncio.Event()

    def check() -> None:
        if len(created) == len(reported) == count:
            complete.set()

    def job(event: Any, now: float) -> None:
        if event["type"] == "ADDED":
            created[event["object"]["metadata"]["name"]] = now
            tracking.put(*objects.train_result(event["object"]))
            progress.step()
            check()

    def run(event: Any, now: float) -> None:
        if (event["object"].get("status") or {}).get("conditions"):
            reported.setdefault(event["object"]["metadata"]["name"], now)
            check()

    async def apply(number: int) -> None:
        new_run = objects.run(BENCH, number)
        await client.create(TRAINING_RUNS, new_run)
        applied[new_run["metadata"]["name"]] = time.monotonic()

    before = operator.requests()
    watches = [Watch(JOBS, BENCH), Watch(TRAINING_RUNS, BENCH)]
    for watch in watches:
        await watch.start(client)
    tasks = [asyncio.create_task(_follow(watch, see)) for watch, see in zip(watches, (job, run), strict=True)]
    profiler = _start_profiler(operator, profile)
    began = time.monotonic()
    await at_once(count, APPLIERS, apply)
    all_applied = time.monotonic() - began
    await complete.wait()
    seconds, used = max(created.values()) - began, costs.since()
    progress.end()
    await asyncio.sleep(2)
    for task, watch in zip(tasks, watches, strict=True):
        task.cancel()
        await watch.close()
    if profiler:
        profiler.send_signal(signal.SIGINT)
        profiler.wait(60)
    requests = _since(before, operator.requests())
    writes = sum(number for key, number in requests.items() if key.split()[0] in WRITES and "leases" not in key)
    waits = sorted(reported[name] - applied[name] for name in reported)
    return {
        "apply_seconds": round(all_applied, 2),
        "seconds": round(seconds, 2),
        "jobs_per_second": round(count / seconds, 1),
        "status_latency_seconds": {f"p{p}": round(waits[min(count - 1, count * p // 100)], 3) for p in (50, 95, 99)},
        "cpu_seconds": used,
        "operator_cpu_seconds": used["operator"],
        "operator_cpu_ms_per_run": round(1000 * used["operator"] / count, 2),
        "peak_memory_mb": round(operator.memory_mb("VmHWM"), 1),
        "writes_per_run": round(writes / count, 2),
        "requests": requests,
    }


async def rest(operator: Operator, seconds: int) -> Object:
    """Measures the operator's requests, CPU and memory while it has nothing to do."""
    before, cpu = operator.requests(), operator.cpu_seconds()
    progress = Progress("seconds of rest", seconds)
    for _ in range(seconds):
        await asyncio.sleep(1)
        progress.step()
    progress.end()
    requests = _since(before, operator.requests())
    return {
        "requests_per_second": round(sum(requests.values()) / seconds, 2),
        "cpu_percent": round(100 * (operator.cpu_seconds() - cpu) / seconds, 2),
        "memory_mb": round(operator.memory_mb(), 1),
        "requests": requests,
    }


async def restart(operator: Operator) -> Object:
    """Measures from the start of a new process until it has reconciled every object."""
    await asyncio.to_thread(operator.stop)
    began = time.monotonic()
    operator.start()
    await asyncio.to_thread(operator.until, "all is reconciled", operator.idle, 600)
    seconds = time.monotonic() - began
    writes = {key: n for key, n in operator.requests().items() if key.split()[0] in WRITES and "lease" not in key}
    cpu, memory = operator.cpu_seconds(), operator.memory_mb("VmHWM")
    return {
        "restart_seconds": round(seconds, 2),
        "restart_cpu_seconds": round(cpu, 2),
        "restart_peak_memory_mb": round(memory, 1),
        "restart_writes": writes,
    }


# --- inside ---------------------------------------------------------------------------------------------------------


async def _follow(watch: Watch, see: Any) -> None:
    async for line in watch.lines():
        see(json.loads(line), time.monotonic())


def _start_profiler(operator: Operator, file: str | None) -> subprocess.Popen[bytes] | None:
    if not file:
        return None
    program = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not program:
        raise RuntimeError("--profile needs py-spy: pip install py-spy")
    argv = [program, "record", "--format", "raw", "--rate", "200", "--output", file, "--pid", str(operator.process.pid)]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL)


def _since(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {key: n - before.get(key, 0) for key, n in sorted(after.items()) if n != before.get(key, 0)}
