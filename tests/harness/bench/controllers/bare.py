"""The baseline: loops that do nothing but write, with the operator's own client, while no operator runs."""

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
    """Returns a run as the operator leaves it once it has started, and its Job: templates for the bare loops."""
    await client.create(TRAINING_RUNS, objects.run(BARE, 0) | {"metadata": {"namespace": BENCH, "name": "first"}})
    while True:
        run = await client.get(TRAINING_RUNS, BENCH, "first")
        jobs = [job async for page in client.pages(JOBS, BENCH) for job in page["items"]]
        if run and jobs and (run.get("status") or {}).get("conditions"):
            await _delete(client, TRAINING_RUNS, BENCH, "first")
            return run, jobs[0]
        await asyncio.sleep(0.1)


async def ceiling(client: ApiClient, costs: Costs, job: Object, count: int) -> Object:
    """Measures the Jobs per second of a loop that only creates Jobs, while the operator doesn't run."""
    progress = Progress("bare Jobs", count)
    template = _template(job)

    async def create(number: int) -> None:
        await client.create(JOBS, {**template, "metadata": {**template["metadata"], "name": f"bare-{number}"}})
        progress.step()

    began = time.monotonic()
    await at_once(count, APPLIERS, create)
    seconds = time.monotonic() - began
    progress.end()
    used = costs.since()
    await _delete_all(client, JOBS)
    return {
        "bare_seconds": round(seconds, 2),
        "bare_jobs_per_second": round(count / seconds, 1),
        "bare_cpu_seconds": used,
    }


async def same_writes(client: ApiClient, costs: Costs, run: Object, job: Object, count: int) -> Object:
    """Measures the runs per second of a loop that writes what the runs' owner and the operator write, unwatched."""
    progress = Progress("bare runs", count)
    template = _template(job)

    async def write(number: int) -> None:
        new_run = objects.run(BARE, number)
        name = new_run["metadata"]["name"]
        await client.create(TRAINING_RUNS, new_run)
        await client.create(JOBS, {**template, "metadata": {**template["metadata"], "name": name}})
        await client.patch(TRAINING_RUNS, BARE, name, {"status": run["status"]}, "status")
        progress.step()

    began = time.monotonic()
    await at_once(count, APPLIERS, write)
    seconds = time.monotonic() - began
    progress.end()
    used = costs.since()
    for resource in (JOBS, TRAINING_RUNS):
        await _delete_all(client, resource)
    return {"bare_runs_per_second": round(count / seconds, 1), "bare_runs_cpu_seconds": used}


def _template(job: Object) -> Object:
    spec = copy.deepcopy(job["spec"])
    spec.pop("selector", None)
    for label in ("controller-uid", "job-name"):
        for key in (label, f"batch.kubernetes.io/{label}"):
            spec["template"]["metadata"].get("labels", {}).pop(key, None)
    kept = {key: job["metadata"].get(key, {}) for key in ("labels", "annotations")}
    return {"metadata": {"namespace": BARE, **kept}, "spec": spec}


async def _delete_all(client: ApiClient, resource: Resource) -> None:
    """Deletes all objects of this resource that the bare loops created."""
    async for page in client.pages(resource, BARE, size=500):
        items = page["items"]

        async def delete(number: int, items: list[Object] = items) -> None:
            meta = items[number]["metadata"]
            await client.delete(resource, BARE, meta["name"], meta["uid"])

        await at_once(len(items), APPLIERS, delete)


async def _delete(client: ApiClient, resource: Resource, namespace: str, name: str) -> None:
    obj = await client.get(resource, namespace, name)
    if obj:
        await client.delete(resource, namespace, name, obj["metadata"]["uid"])
