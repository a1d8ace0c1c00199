"""All runs come to their end, by pods that KWOK plays or as the benchmark itself writes it."""

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
from tests.harness.bench.controllers.place import APPLIERS, BENCH, Watch
from tests.localcluster.kwok import FINISH
from tests.localcluster.say import say
from tests.support.at_once import at_once
from tests.support.operator import WRITES, Operator
from tests.support.report import Progress


async def finish(client: ApiClient, operator: Operator, count: int, end: Callable[[], Awaitable[None]]) -> Object:
    """Every run finishes; ``end`` sees to their Jobs.

    An operator that ends is started again, as a kubelet would.
    """
    progress = Progress("runs finished", count)
    finished: set[str] = set()
    restarts = 0

    def see(run: Object) -> None:
        if run.get("kind") != "Status" and holds(run, "Complete"):
            finished.add(run["metadata"]["name"])

    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        seeing, ending = tasks.create_task(_keep_seeing(client, TRAINING_RUNS, see)), tasks.create_task(end())
        while len(finished) < count:
            progress.at(len(finished))
            restarts += operator.revive()
            await asyncio.sleep(1)
        seeing.cancel()
        ending.cancel()
    progress.end()
    await _calm(operator)
    return {
        "finish_seconds": round(time.monotonic() - began, 1),
        "finish_memory_mb": round(operator.memory_mb(), 1),
        "finish_restarts": restarts,
    }


async def end_jobs(client: ApiClient) -> None:
    """Every Job's status is what the Job controller says of one whose pod succeeded."""
    now = timestamp(datetime.now(UTC))
    done = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in ("SuccessCriteriaMet", "Complete")]
    status = {"startTime": now, "completionTime": now, "succeeded": 1, "ready": 0, "terminating": 0, "conditions": done}
    async for page in client.pages(JOBS, BENCH, size=500):
        # The very first one was seen by the controller itself; its run is gone.
        items = [job for job in page["items"] if "startTime" not in job.get("status", {})]

        async def end(number: int, items: list[Object] = items) -> None:
            await client.patch(JOBS, BENCH, items[number]["metadata"]["name"], {"status": status}, "status")

        await at_once(len(items), APPLIERS, end)


async def end_pods(client: ApiClient) -> None:
    """Tell every pod to succeed, also those that are made later."""
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
        tasks.create_task(_keep_seeing(client, PODS, see))
        for _ in range(4):
            tasks.create_task(end())


# --- inside ---------------------------------------------------------------------------------------------------------


async def _keep_seeing(client: ApiClient, resource: Resource, see: Callable[[Object], None]) -> None:
    """Every object there is or comes, and its changes; a busy API server may end a watch at any time."""
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
    """Wait until nothing was worked on or written for two seconds."""
    last: Any = None
    while True:
        now = (operator.idle(), operator.requests())
        # Lists and the lease go on.
        writes = {what: n for what, n in now[1].items() if what.split()[0] in WRITES and "lease" not in what}
        if now[0] and writes == last:
            return
        last = writes
        await asyncio.sleep(2)
