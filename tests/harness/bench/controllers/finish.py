"""Lets all runs finish, either by KWOK's simulated pods or by Job statuses that the benchmark itself writes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp

from modelyard.engine.client import ApiClient
from modelyard.engine.conditions import holds, timestamp
from modelyard.engine.resource import JOBS, PODS, TRAINING_RUNS, Object, Resource
from tests.common.say import say
from tests.harness.bench.controllers.place import APPLIERS, BENCH, Watch
from tests.localcluster.kwok import FINISH
from tests.support.at_once import at_once
from tests.support.operator import WRITES, Operator
from tests.support.report import Progress


async def finish(client: ApiClient, operator: Operator, count: int, end: Callable[[], Awaitable[None]]) -> Object:
    """Measures until every run has finished; ``end`` ends their Jobs.

    An operator that ends is restarted, as a kubelet would do.
    """
    progress = Progress("runs finished", count)
    finished: set[str] = set()
    restarts = 0

    def see(run: Object) -> None:
        if run.get("kind") != "Status" and holds(run, "Complete"):
            finished.add(run["metadata"]["name"])

    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        watching, ending = tasks.create_task(_watch(client, TRAINING_RUNS, see)), tasks.create_task(end())
        while len(finished) < count:
            progress.at(len(finished))
            restarts += operator.revive()
            await asyncio.sleep(1)
        watching.cancel()
        ending.cancel()
    progress.end()
    await _calm(operator)
    return {
        "finish_seconds": round(time.monotonic() - began, 1),
        "finish_memory_mb": round(operator.memory_mb(), 1),
        "finish_restarts": restarts,
    }


async def end_jobs(client: ApiClient) -> None:
    """Writes into every Job's status what the Job controller writes when the pod has succeeded."""
    now = timestamp(datetime.now(UTC))
    done = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in ("SuccessCriteriaMet", "Complete")]
    status = {"startTime": now, "completionTime": now, "succeeded": 1, "ready": 0, "terminating": 0, "conditions": done}
    async for page in client.pages(JOBS, BENCH, size=500):
        # Skip the very first Job: the controller itself has handled it, and its run is gone.
        items = [job for job in page["items"] if "startTime" not in job.get("status", {})]

        async def end(number: int, items: list[Object] = items) -> None:
            await client.patch(JOBS, BENCH, items[number]["metadata"]["name"], {"status": status}, "status")

        await at_once(len(items), APPLIERS, end)


async def end_pods(client: ApiClient) -> None:
    """Lets every pod succeed, also those that are created later."""
    names: asyncio.Queue[str] = asyncio.Queue()
    known: set[str] = set()

    def see(pod: Object) -> None:
        if (name := pod.get("metadata", {}).get("name")) and name not in known:
            known.add(name)
            names.put_nowait(name)

    async def end() -> None:
        while True:
            body = {"metadata": {"annotations": {FINISH: "Succeeded"}}}
            await client.patch(PODS, BENCH, await names.get(), body)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_watch(client, PODS, see))
        for _ in range(4):
            tasks.create_task(end())


# --- inside ---------------------------------------------------------------------------------------------------------


async def _watch(client: ApiClient, resource: Resource, see: Callable[[Object], None]) -> None:
    """Calls ``see`` with every object and every change, for ever; a busy API server may end a watch at any time."""
    while True:
        watch = Watch(resource, BENCH)
        await watch.start(client)
        try:
            async for page in client.pages(resource, BENCH, size=500):
                for obj in page["items"]:
                    see(obj)
            async for line in watch.lines():
                see(json.loads(line)["object"])
        except aiohttp.ClientError as error:
            say(f"the benchmark's watch of {resource} ended: {error or type(error).__name__}")
        finally:
            await watch.close()


async def _calm(operator: Operator) -> None:
    """Waits until the operator was idle and wrote nothing for two seconds."""
    last: Any = None
    while True:
        idle, requests = operator.idle(), operator.requests()
        # Count only these writes: an idle operator goes on with lists and with renewing its lease.
        writes = {key: n for key, n in requests.items() if key.split()[0] in WRITES and "lease" not in key}
        if idle and writes == last:
            return
        last = writes
        await asyncio.sleep(2)
