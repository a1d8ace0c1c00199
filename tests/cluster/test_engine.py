"""Checks each promise of the engine against the real API server."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.cluster.engine.bench import Bench
from tests.support.until import until

pytestmark = pytest.mark.cluster


async def test_children_follow_the_object_and_rest_is_silent(bench: Bench) -> None:
    await bench.make("a", size=1)
    gear = await bench.turning("a", 1)
    assert gear["status"]["observedGeneration"] == 1
    assert gear["status"]["oiled"] is False
    config_map = await bench.find("configmaps", "a")
    assert config_map["data"] == {"size": "1"}
    assert config_map["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "modelyard"

    await bench.edit("gears", "a", {"spec": {"size": 2}})
    assert (await bench.turning("a", 2))["status"]["observedGeneration"] == 2
    assert (await bench.find("configmaps", "a"))["data"] == {"size": "2"}

    # 20 s cover the re-lists after the start. The API server rewrites some of the children's fields (0.50 -> 500m):
    # the operator must not take that for a difference.
    assert await bench.silent(20) == []
    creates = Counter(call.plural for call in bench.proxy.writes() if call.method == "POST")
    assert creates == {"jobs": 2, "events": 2}
    events = await bench.api("GET", bench.path("events"))
    notes = [(item["reason"], item["note"]) for item in events["items"] if item["regarding"]["kind"] == "Gear"]
    assert sorted(notes) == [("Resized", "The size is 1 now."), ("Resized", "The size is 2 now.")]

    await bench.delete("gears", "a")

    async def gone() -> bool:
        return await bench.find("configmaps", "a") is None and await bench.find("jobs", "a-1") is None

    await until("the children are collected", gone, 60)


async def test_children_are_kept_in_shape(bench: Bench) -> None:
    await bench.make("a", size=1)
    await bench.turning("a", 1)
    await bench.edit("configmaps", "a", {"data": {"size": "100"}})

    async def data() -> Any:
        return ((await bench.find("configmaps", "a")) or {}).get("data") == {"size": "1"}

    await until("the edited child is as it was", data)
    await bench.delete("configmaps", "a")
    await until("the deleted child is back", data)
    await bench.edit("deployments", "a", {"spec": {"replicas": 1, "paused": True}})

    async def replicas() -> bool:
        spec = (await bench.find("deployments", "a"))["spec"]
        return spec["replicas"] == 0 and not spec.get("paused")

    await until("the scaled child is as it was, and no longer paused", replicas)
    await bench.edit("configmaps", "a", {"data": {"more": "theirs"}, "metadata": {"labels": {"team": "theirs"}}})
    await until("what somebody added is gone", data)
    assert (await bench.find("configmaps", "a"))["metadata"]["labels"]["team"] == "theirs"
    assert await bench.silent(3) == [], "nobody fights"


async def test_a_deletion_that_no_watch_told_of_is_repaired(bench: Bench) -> None:
    for name in ("a", "b"):
        await bench.make(name, size=1)
        await bench.turning(name, 1)
    assert await bench.silent(3) == []
    bench.proxy.drops = lambda event: event["type"] == "DELETED"
    await bench.delete("configmaps", "a")
    assert await bench.silent(3) == [], "nobody can know yet"
    bench.proxy.expire_watches()

    async def back() -> bool:
        return await bench.find("configmaps", "a") is not None

    await until("the child is back", back)
    assert bench.operator.metric('modelyard_list_repairs_total{resource="configmaps"}') >= 1


async def test_what_happened_while_it_was_down_is_seen_at_start(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        await bench.make(name, size=1)
        await bench.turning(name, 1)
    untouched = [("gears", "c"), ("configmaps", "c"), ("jobs", "c-1"), ("deployments", "c")]

    async def versions() -> list[str]:
        return [(await bench.find(plural, name))["metadata"]["resourceVersion"] for plural, name in untouched]

    before = await versions()
    assert await asyncio.to_thread(bench.operator.stop) == 0
    await bench.delete("configmaps", "a")
    await bench.edit("gears", "b", {"spec": {"size": 2}})
    await bench.make("d", size=4)
    bench.operator.start()
    await bench.turning("b", 2)
    await bench.turning("d", 4)

    async def back() -> bool:
        return await bench.find("configmaps", "a") is not None

    await until("the child is back", back)
    assert await versions() == before


@pytest.mark.quiet
async def test_the_lease_moves_on(bench: Bench) -> None:
    second = bench.another("second")
    second.start()

    async def stands_by() -> bool:
        return second.get("/readyz").startswith("standing by, first leads")

    await until("the second stands by", stands_by)
    await bench.make("a", size=1)
    await bench.turning("a", 1)
    assert not second.ready()
    # A graceful stop releases the lease, so the second operator need not wait for it to expire.
    assert await asyncio.to_thread(bench.operator.stop) == 0
    await bench.leads(6, second)
    await bench.make("b", size=1)
    await bench.turning("b", 1)
    # A killed operator keeps the lease; a restarted container has the same identity and goes on at once.
    second.kill()
    await second.ended()
    second.start()
    await bench.leads(10, second)
    # Another pod has to wait until the lease expires.
    bench.operator.start()

    async def first_answers() -> str:
        return bench.operator.get("/readyz")

    await until("the first asked", first_answers)
    second.kill()
    await second.ended()
    await bench.leads(25)
    await bench.make("c", size=1)
    await bench.turning("c", 1)


async def test_a_lost_lease_ends_the_process(bench: Bench) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{bench.namespace}/leases/modelyard-operator"
    await bench.api("PATCH", path, {"spec": {"holderIdentity": "a usurper"}})
    async with asyncio.timeout(15):
        assert await bench.operator.ended() == 1
