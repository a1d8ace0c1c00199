"""Checks on a real tracking server that what a killed pod has left open is ended, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kubernetes.aio.client import Configuration

from modelyard.engine.client import ApiClient
from modelyard.engine.plan import Closed, Unavailable
from modelyard.engine.reads import Reads
from modelyard_api.fields.artifact import experiment
from modelyard_runtime.pod.tracking import Tracking as Tracked
from modelyard_runtime.pod.web import Web
from tests.support.tracking import Tracking

NAME = experiment("n", "species")


async def closed(url: str, *needs: Closed, may_write: bool = True) -> list[Any]:
    client = ApiClient(Configuration())
    reads = Reads(client, url, may_write=lambda: may_write)
    try:
        return [(await reads.read([need]))[need] for need in needs]
    finally:
        await reads.close()
        await client.close()


async def test_an_open_run_is_ended_once_and_no_other(tmp_path: Path) -> None:
    with Tracking(tmp_path) as server:
        tracked = Tracked(Web(server.url))
        id_ = tracked.experiment(NAME)
        runs = {uid: tracked.open(id_, uid, uid) for uid in ("open", "other", "finished")}
        tracked.end(runs["finished"], "FINISHED")
        nowhere = Closed(experiment("n", "none"), "open", "FAILED")
        needs = [nowhere, Closed(NAME, "open", "KILLED"), Closed(NAME, "open", "FAILED")]
        needs += [Closed(NAME, "finished", "FAILED"), Closed(NAME, "unknown", "FAILED")]
        assert await closed(server.url, *needs) == [True] * 5
        (refused,) = await closed(server.url, Closed(NAME, "other", "FAILED"), may_write=False)
        assert isinstance(refused, Unavailable)
        url = f"{server.url}/api/2.0/mlflow/runs/search"
        found = tracked.web.json("POST", url, {"experiment_ids": [id_], "max_results": 10})["runs"]
    states = {run["info"]["run_name"]: run["info"]["status"] for run in found}
    assert states == {"open": "KILLED", "other": "RUNNING", "finished": "FINISHED"}
    (away,) = await closed(server.url, Closed(NAME, "other", "FAILED"))
    assert isinstance(away, Unavailable)
