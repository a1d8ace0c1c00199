"""Checks which versions of a Dataset are deleted, with their bytes, and which are kept whatever retention says."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Deleted
from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, MODEL_MONITORS, Object
from modelyard.kinds.dataset.retention import expired
from modelyard_api.fields.artifact import sha256
from tests.unit.kinds.objects import dataset, put_data
from tests.unit.kinds.test_dataset import ingest, look_again
from tests.unit.kinds.test_modelmonitor import NAME, monitor
from tests.unit.kinds.world import Died, World


def version(number: int, accepted: bool | None = True, time: str = "", parent: int | None = None) -> Object:
    return {
        "metadata": {"name": f"v{number}", "creationTimestamp": time or f"2026-01-{number:02}T00:00:00Z"},
        "spec": {"parent": None if parent is None else f"v{parent}"},
        "status": {} if accepted is None else {"accepted": accepted},
    }


SAME = "2026-03-01T00:00:00Z"


@pytest.mark.parametrize(
    ("versions", "used", "latest", "gone"),
    [
        ([version(n) for n in (1, 2, 3)], (), "v3", ["v1"]),
        ([version(n) for n in (3, 1, 2)], (), "v3", ["v1"]),
        ([version(n) for n in (1, 2, 3)], ("v1",), "v3", []),
        ([version(n) for n in (1, 2, 3)], (), "v1", []),
        ([version(n, accepted=False) for n in (1, 2, 3)], (), None, ["v1"]),
        ([version(1), version(2, accepted=False), version(3, accepted=False), version(4)], (), "v4", []),
        ([version(n, accepted=None) for n in (1, 2, 3)], (), None, []),
        ([version(n, time=SAME, parent=n + 1 if n < 4 else None) for n in (1, 2, 3, 4)], (), "v1", ["v4", "v3"]),
        ([version(1, parent=2), version(2, parent=1), version(3)], (), "v3", ["v1"]),
        ([version(n, parent=n + 1 if n < 4 else None) for n in (1, 2, 3, 4)], (), "v1", ["v4", "v3"]),
        ([], (), None, []),
    ],
)
def test_the_newest_stay_and_so_does_what_is_used(
    versions: list[Object], used: tuple[str, ...], latest: str | None, gone: list[str]
) -> None:
    assert [item["metadata"]["name"] for item in expired(versions, used, latest, 2)] == gone


def kept(world: World) -> list[str]:
    return sorted(item["metadata"]["name"] for item in world.all(DATASET_VERSIONS))


def grown(world: World, contents: str, **spec: Any) -> World:
    """Reads these contents one after the other, each of which becomes a version."""
    put_data(world, contents[0])
    world.put(DATASETS, dataset(checkEvery="1m", **spec))
    world.settle()
    ingest(world, contents[0])
    for content in contents[1:]:
        look_again(world, content)
        ingest(world, content)
        world.tick(1)
    return world


def test_a_version_goes_with_its_bytes_and_is_told() -> None:
    world = grown(World(), "abcd", retention={"keep": 2})
    assert len(kept(world)) == 2
    assert world.status_of(DATASETS, "penguins")["latest"] in kept(world)
    told = [message for _, reason, message in world.notes if reason == "VersionsExpired"]
    assert len(told) == 2
    assert all(uri.rpartition("/")[2] for uri in world.deleted)
    assert not world.status_of(DATASETS, "penguins").get("expiring")


def test_a_list_of_files_goes_with_the_last_version_that_is_made_of_them() -> None:
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset(checkEvery="1m", retention={"keep": 1}))
    world.settle()
    for content, files in (("a", "one"), ("b", "one"), ("c", "two"), ("d", "three")):
        look_again(world, content)
        ingest(world, content, madeOf={"digest": sha256(files.encode()), "files": 1, "bytes": 1})
        world.tick(1)
        ended = [uri.rpartition("/")[2] for uri in world.deleted if "/listings/" in uri]
        known = {sha256(name.encode()).removeprefix("sha256:"): name for name in ("one", "two", "three")}
        gone = [known[name.removesuffix(".json.gz")] for name in ended]
        assert gone == {"one": [], "two": ["one"], "three": ["one", "two"]}[files]


def test_one_that_a_monitor_names_is_kept_until_it_does_not() -> None:
    world = grown(World(), "a", retention={"keep": 1})
    (first,) = kept(world)
    world.put(MODEL_MONITORS, monitor(reference={"datasetVersion": first}))
    for content in "bc":
        look_again(world, content)
        ingest(world, content)
        world.tick(1)
    assert len(kept(world)) == 2
    assert first in kept(world)
    world.delete(MODEL_MONITORS, NAME)
    world.tick(1)
    assert first not in kept(world)


def test_without_retention_all_stay() -> None:
    assert len(kept(grown(World(), "abcd"))) == 4


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
def test_it_comes_to_the_same_end_when_the_operator_dies_at(at: int, when: str) -> None:
    world = grown(World(), "ab", retention={"keep": 1})
    look_again(world, "c")
    world.die_at = (world.writes + at, when)
    try:
        ingest(world, "c")
        world.tick(1)
    except Died:
        pass
    world.die_at = None
    world.restart()
    for _ in range(3):
        world.tick(10)
    assert kept(world) == [world.status_of(DATASETS, "penguins")["latest"]]
    assert len({uri for uri in world.deleted if "/ingest/" not in uri}) == 2


def test_bytes_that_can_not_be_deleted_are_tried_again() -> None:
    world = grown(World(), "ab", retention={"keep": 2})
    world.down.add(Deleted)
    look_again(world, "c")
    ingest(world, "c")
    world.tick(1)
    assert len(kept(world)) == 2
    assert len(world.status_of(DATASETS, "penguins")["expiring"]) == 1
    world.down.clear()
    world.tick(60)
    assert not world.status_of(DATASETS, "penguins").get("expiring")
    assert [uri for uri in world.deleted if "/ingest/" not in uri]
