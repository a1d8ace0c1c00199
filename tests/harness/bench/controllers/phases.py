"""The measured parts, one function each; all return figures."""

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
    tracking.put(*standing.data_result())


async def make_jobs(
    client: ApiClient, operator: Operator, costs: Costs, tracking: Tracking, count: int, profile: str | None
) -> Object:
    """From the first apply until the last Job exists."""
    applied: dict[str, float] = {}
    told: dict[str, float] = {}
    made: dict[str, float] = {}
    progress, complete = Progress("Jobs made", count), asyncio.Event()

    def see() -> None:
        if len(made) == len(told) == count:
            complete.set()

    def job(event: Any, now: float) -> None:
        if event["type"] == "ADDED":
            made[event["object"]["metadata"]["name"]] = now
            tracking.put(*objects.train_result(event["object"]))
            progress.step()
            see()

    def run(event: Any, now: float) -> None:
        if (event["object"].get("status") or {}).get("conditions"):
            told.setdefault(event["object"]["metadata"]["name"], now)
            see()

    async def apply(number: int) -> None:
        one = objects.run(BENCH, number)
        await client.create(TRAINING_RUNS, one)
        applied[one["metadata"]["name"]] = time.monotonic()

    before = operator.requests()
    watches = [Watch(JOBS, BENCH), Watch(TRAINING_RUNS, BENCH)]
    for watch in watches:
        await watch.start(client)
    tasks = [asyncio.create_task(_follow(watch, see)) for watch, see in zip(watches, (job, run), strict=True)]
    profiler = _profiled(operator, profile)
    began = time.monotonic()
    await at_once(count, APPLIERS, apply)
    all_applied = time.monotonic() - began
    await complete.wait()
    seconds, used = max(made.values()) - began, costs.since()
    progress.end()
    await asyncio.sleep(2)
    for task, watch in zip(tasks, watches, strict=True):
        task.cancel()
        await watch.close()
    if profiler:
        profiler.send_signal(signal.SIGINT)
        profiler.wait(60)
    requests = _since(before, operator.requests())
    writes = sum(number for what, number in requests.items() if what.split()[0] in WRITES and "leases" not in what)
    waits = sorted(told[name] - applied[name] for name in told)
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
    """Nothing is left to do."""
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
    """From the start of a new process until it has looked at every object."""
    await asyncio.to_thread(operator.stop)
    began = time.monotonic()
    operator.start()
    await asyncio.to_thread(operator.until, "all is reconciled", operator.idle, 600)
    seconds = time.monotonic() - began
    writes = {what: n for what, n in operator.requests().items() if what.split()[0] in WRITES and "lease" not in what}
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


def _profiled(operator: Operator, file: str | None) -> subprocess.Popen[bytes] | None:
    if not file:
        return None
    program = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not program:
        raise RuntimeError("--profile needs py-spy: pip install py-spy")
    argv = [program, "record", "--format", "raw", "--rate", "200", "--output", file, "--pid", str(operator.process.pid)]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL)


def _since(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {what: n - before.get(what, 0) for what, n in sorted(after.items()) if n != before.get(what, 0)}
