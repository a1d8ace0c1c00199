"""Checks that a Dataset says how far the reading of its source is, while it is read and no longer."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Listing
from modelyard.engine.resource import DATASETS
from modelyard.kinds.dataset.progress import progress_of
from modelyard_api.fields.artifact import progress_uri
from modelyard_api.wire.result import Reading
from modelyard_api.wire.task import IngestTask
from tests.unit.kinds.objects import active, task_of
from tests.unit.kinds.test_dataset import ingest, running_job, watched
from tests.unit.kinds.world import World

MIB = 1 << 20


@pytest.mark.parametrize(
    ("reading", "percent", "message"),
    [
        ({"rows": 5, "bytes": MIB, "size": 4 * MIB}, 25, "5 rows, 1 of 4 MiB"),
        ({"rows": 5, "bytes": 4 * MIB, "size": 4 * MIB}, 99, "5 rows, 4 of 4 MiB"),
        ({"rows": 5, "bytes": 0, "size": 0}, 0, "5 rows"),
        ({"rows": 5, "bytes": 0, "size": 0, "passes": 2}, 0, "5 rows, read a second time since types were"),
    ],
)
def test_progress_is_told_in_rows_bytes_and_percent(reading: dict[str, int], percent: int, message: str) -> None:
    progress = progress_of(Reading(**reading))
    assert progress.percent == percent
    assert progress.message.startswith(message)


def told(world: World) -> Any:
    return world.status_of(DATASETS, "penguins").get("progress")


def test_the_newest_document_tells_how_far_it_is() -> None:
    world = watched()
    job = running_job(world)
    folder = progress_uri(task_of(job, IngestTask).result_uri)
    active(world, job)
    world.tick(5)
    assert told(world) is None
    for number, rows in ((1_700_000_000_001, 10), (1_700_000_000_002, 20)):
        world.results[f"{folder}/{number}.json"] = {"rows": rows, "bytes": rows * MIB, "size": 40 * MIB}
    world.tick(15)
    assert told(world) == {"percent": 50, "message": "20 rows, 20 of 40 MiB"}
    assert "20 rows, 20 of 40 MiB" in world.condition(DATASETS, "penguins")[2]
    world.down.add(Listing)
    world.tick(15)
    assert told(world) == {"percent": 50, "message": "20 rows, 20 of 40 MiB"}, "what is known stays"
    world.down.clear()
    ingest(world)
    assert told(world) is None


def test_what_is_no_progress_is_not_told() -> None:
    world = watched()
    job = running_job(world)
    folder = progress_uri(task_of(job, IngestTask).result_uri)
    active(world, job)
    world.results[f"{folder}/1700000000001.json"] = {"rows": "many"}
    world.results[f"{folder}/notes.json"] = {}
    world.tick(15)
    assert told(world) is None
