"""For scale: loops that do nothing but write, with the operator's own client, while no operator runs."""

from __future__ import annotations

import asyncio
import copy
import time

from modelyard.engine.client import ApiClient
from modelyard.engine.resource import JOBS, TRAINING_RUNS, Object, Resource
from tests.harness.bench.controllers import objects
from tests.harness.bench.controllers.place import APPLIERS, BARE, BENCH
from tests.support.at_once import at_once
from tests.support.cpu import Costs
from tests.support.report import Progress


async def one_run(client: ApiClient) -> tuple[Object, Object]:
    """A run as the operator leaves it once it has started, and its Job: what the bare loops write again and again."""
    await client.create(TRAINING_RUNS, objects.run(BARE, 0) | {"metadata": {"namespace": BENCH, "name": "first"}})
    while True:
        run = await client.get(TRAINING_RUNS, BENCH, "first")
        jobs = [job async for page in client.pages(JOBS, BENCH) for job in page["items"]]
        if run and jobs and (run.get("status") or {}).get("conditions"):
            await _delete(client, TRAINING_RUNS, BENCH, "first")
            return run, jobs[0]
        await asyncio.sleep(0.1)


async def ceiling(client: ApiClient, costs: Costs, job: Object, count: int) -> Object:
    """Jobs a second of a loop that does nothing else, the operator's process not running."""
    progress = Progress("bare Jobs", count)
    made = _bare(job)

    async def create(number: int) -> None:
        await client.create(JOBS, {**made, "metadata": {**made["metadata"], "name": f"bare-{number}"}})
        progress.step()

    began = time.monotonic()
    await at_once(count, APPLIERS, create)
    seconds = time.monotonic() - began
    progress.end()
    used = costs.since()
    await _emptied(client, JOBS)
    return {
        "bare_seconds": round(seconds, 2),
        "bare_jobs_per_second": round(count / seconds, 1),
        "bare_cpu_seconds": used,
    }


async def same_writes(client: ApiClient, costs: Costs, run: Object, job: Object, count: int) -> Object:
    """Runs a second of a loop that writes what the runs' owner and the operator write, and nothing watches."""
    progress = Progress("bare runs", count)
    made = _bare(job)

    async def write(number: int) -> None:
        one = objects.run(BARE, number)
        name = one["metadata"]["name"]
        await client.create(TRAINING_RUNS, one)
        await client.create(JOBS, {**made, "metadata": {**made["metadata"], "name": name}})
        await client.patch(TRAINING_RUNS, BARE, name, {"status": run["status"]}, "status")
        progress.step()

    began = time.monotonic()
    await at_once(count, APPLIERS, write)
    seconds = time.monotonic() - began
    progress.end()
    used = costs.since()
    for resource in (JOBS, TRAINING_RUNS):
        await _emptied(client, resource)
    return {"bare_runs_per_second": round(count / seconds, 1), "bare_runs_cpu_seconds": used}


def _bare(job: Object) -> Object:
    spec = copy.deepcopy(job["spec"])
    spec.pop("selector", None)
    for label in ("controller-uid", "job-name"):
        for key in (label, f"batch.kubernetes.io/{label}"):
            spec["template"]["metadata"].get("labels", {}).pop(key, None)
    kept = {key: job["metadata"].get(key, {}) for key in ("labels", "annotations")}
    return {"metadata": {"namespace": BARE, **kept}, "spec": spec}


async def _emptied(client: ApiClient, resource: Resource) -> None:
    """Remove all of this resource that the bare loops made."""
    async for page in client.pages(resource, BARE, size=500):
        items = page["items"]

        async def end(number: int, items: list[Object] = items) -> None:
            meta = items[number]["metadata"]
            await client.delete(resource, BARE, meta["name"], meta["uid"])

        await at_once(len(items), APPLIERS, end)


async def _delete(client: ApiClient, resource: Resource, namespace: str, name: str) -> None:
    found = await client.get(resource, namespace, name)
    if found:
        await client.delete(resource, namespace, name, found["metadata"]["uid"])
