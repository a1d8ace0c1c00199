"""The measured parts, one function each; all return figures."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from modelyard.engine.conditions import holds
from modelyard.engine.gateway import Gateway
from modelyard.engine.resource import JOBS, PODS, TRAINING_RUNS, Object
from tests.bench.controllers import objects
from tests.bench.controllers.operator import Operator
from tests.bench.controllers.place import BARE, BENCH, Watch, at_once
from tests.bench.controllers.report import Progress
from tests.localcluster.kwok import FINISH
from tests.support.tracking import Tracking

APPLIERS = 8
"""Requests at once of whoever applies the runs, and of the bare loop."""


async def put_data(tracking: Tracking) -> None:
    tracking.put(*objects.ingest_result())


async def one_job(client: Gateway) -> Object:
    """The Job of one run, made by the operator: what the bare loop creates again and again."""
    await client.create(TRAINING_RUNS, objects.run(BARE, 0) | {"metadata": {"namespace": BENCH, "name": "first"}})
    while True:
        for page in [page async for page in client.pages(JOBS, BENCH)]:
            for job in page["items"]:
                await _delete(client, TRAINING_RUNS, BENCH, "first")
                return dict(job)
        await asyncio.sleep(0.1)


async def ceiling(client: Gateway, job: Object, count: int) -> Object:
    """Jobs a second of a loop that does nothing else, the operator's process not running."""
    progress = Progress("bare Jobs", count)
    spec = copy.deepcopy(job["spec"])
    spec.pop("selector", None)
    for label in ("controller-uid", "job-name"):
        for key in (label, f"batch.kubernetes.io/{label}"):
            spec["template"]["metadata"].get("labels", {}).pop(key, None)
    kept = {key: job["metadata"].get(key, {}) for key in ("labels", "annotations")}

    async def create(number: int) -> None:
        await client.create(JOBS, {"metadata": {"namespace": BARE, "name": f"bare-{number}", **kept}, "spec": spec})
        progress.step()

    began = time.monotonic()
    await at_once(count, APPLIERS, create)
    seconds = time.monotonic() - began
    progress.end()
    await _emptied(client, BARE)
    return {"bare_seconds": round(seconds, 2), "bare_jobs_per_second": round(count / seconds, 1)}


async def make_jobs(client: Gateway, operator: Operator, tracking: Tracking, count: int, profile: str | None) -> Object:
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

    before, cpu = operator.requests(), operator.cpu_seconds()
    watches = [Watch(JOBS, BENCH), Watch(TRAINING_RUNS, BENCH)]
    for watch in watches:
        await watch.start(client)
    tasks = [asyncio.create_task(_follow(watch, see)) for watch, see in zip(watches, (job, run), strict=True)]
    profiler = _profiled(operator, profile)
    began = time.monotonic()
    await at_once(count, APPLIERS, apply)
    all_applied = time.monotonic() - began
    await complete.wait()
    seconds = max(made.values()) - began
    progress.end()
    await asyncio.sleep(2)
    for task, watch in zip(tasks, watches, strict=True):
        task.cancel()
        await watch.close()
    if profiler:
        profiler.send_signal(signal.SIGINT)
        profiler.wait(60)
    requests = _since(before, operator.requests())
    writes = sum(number for what, number in requests.items() if what.split()[0] in _WRITES and "leases" not in what)
    waits = sorted(told[name] - applied[name] for name in told)
    return {
        "apply_seconds": round(all_applied, 2),
        "seconds": round(seconds, 2),
        "jobs_per_second": round(count / seconds, 1),
        "status_latency_seconds": {f"p{p}": round(waits[min(count - 1, count * p // 100)], 3) for p in (50, 95, 99)},
        "operator_cpu_seconds": round(operator.cpu_seconds() - cpu, 2),
        "operator_cpu_ms_per_run": round(1000 * (operator.cpu_seconds() - cpu) / count, 2),
        "peak_memory_mb": round(operator.memory_mb("VmHWM"), 1),
        "writes_per_run": round(writes / count, 2),
        "requests": requests,
    }


_WRITES = {"create", "patch", "apply", "delete"}


async def finish(client: Gateway, operator: Operator, count: int) -> Object:
    """Every pod succeeds, and every run with it."""
    began = time.monotonic()
    progress = Progress("runs finished", count)
    ending = asyncio.create_task(_end_pods(client))
    while (done := await _count_finished(client)) < count:
        progress.at(done)
        await asyncio.sleep(max(2.0, count / 2000))
    progress.end()
    ending.cancel()
    await _calm(operator)
    return {"finish_seconds": round(time.monotonic() - began, 1), "finish_memory_mb": round(operator.memory_mb(), 1)}


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
    writes = {what: n for what, n in operator.requests().items() if what.split()[0] in _WRITES and "lease" not in what}
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


async def _calm(operator: Operator) -> None:
    """Wait until nothing was worked on or written for two seconds."""
    last: Any = None
    while True:
        now = (operator.idle(), operator.requests())
        # Lists and the lease go on.
        writes = {what: n for what, n in now[1].items() if what.split()[0] in _WRITES and "lease" not in what}
        if now[0] and writes == last:
            return
        last = writes
        await asyncio.sleep(2)


async def _end_pods(client: Gateway) -> None:
    """Tell every pod to succeed, also those that are made later."""
    ended: set[str] = set()
    while True:
        async for page in client.pages(PODS, BENCH, "job-name", size=500):
            names = [pod["metadata"]["name"] for pod in page["items"] if pod["metadata"]["name"] not in ended]

            async def end(number: int, names: list[str] = names) -> None:
                body = {"metadata": {"annotations": {FINISH: "Succeeded"}}}
                await client.patch(PODS, BENCH, names[number], body)
                ended.add(names[number])

            await at_once(len(names), 4, end)
        await asyncio.sleep(2)


async def _count_finished(client: Gateway) -> int:
    pages = client.pages(TRAINING_RUNS, BENCH, size=500)
    return sum([holds(run, "Complete") async for page in pages for run in page["items"]])


async def _emptied(client: Gateway, namespace: str) -> None:
    """Remove the Jobs of a namespace."""
    async for page in client.pages(JOBS, namespace, size=500):
        items = page["items"]

        async def end(number: int, items: list[Object] = items) -> None:
            meta = items[number]["metadata"]
            await client.delete(JOBS, namespace, meta["name"], meta["uid"])

        await at_once(len(items), APPLIERS, end)


def _profiled(operator: Operator, file: str | None) -> subprocess.Popen[bytes] | None:
    if not file:
        return None
    program = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not program:
        raise RuntimeError("--profile needs py-spy: pip install py-spy")
    argv = [program, "record", "--format", "raw", "--rate", "200", "--output", file, "--pid", str(operator.process.pid)]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL)


async def _delete(client: Gateway, resource: Any, namespace: str, name: str) -> None:
    found = await client.get(resource, namespace, name)
    if found:
        await client.delete(resource, namespace, name, found["metadata"]["uid"])


def _since(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {what: n - before.get(what, 0) for what, n in sorted(after.items()) if n != before.get(what, 0)}
