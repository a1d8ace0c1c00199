"""Checks what the engine does when a process, an API answer, a child or a controller fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.cluster.engine.bench import Bench, condition
from tests.support.proxy import Call
from tests.support.until import until

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_at_any_write_changes_nothing_in_the_end(bench: Bench, moment: str) -> None:
    """The operator is killed at write i, for each write that one object takes to become Ready, then started again."""
    await bench.make("learn", size=1)
    await bench.turning("learn", 1)
    assert await bench.silent(2) == []
    total = len(bench.proxy.writes())
    assert total >= 5
    for number in range(total):
        name = f"g{number}"
        writes_left = number

        async def fault(when: str, call: Call) -> None:
            nonlocal writes_left
            if when == moment and call in bench.proxy.writes():
                writes_left -= 1
                if writes_left < 0:
                    bench.operator.kill()
                    await bench.operator.ended()
                    raise ConnectionResetError

        bench.proxy.fault = fault
        await bench.make(name, size=1)
        async with asyncio.timeout(20):
            await bench.operator.ended()
        bench.proxy.fault = None
        bench.operator.start()
        await bench.turning(name, 1)
        jobs = await bench.api("GET", bench.path("jobs"))
        names = [job["metadata"]["name"] for job in jobs["items"] if job["metadata"]["name"].startswith(f"{name}-")]
        assert names == [f"{name}-1"]
        assert (await bench.find("deployments", name))["spec"]["replicas"] == 0


async def test_answers_that_were_lost_are_no_harm(bench: Bench) -> None:
    """The first write to each path reaches the API server, but its answer is lost."""
    cut: set[tuple[str, str]] = set()

    async def fault(when: str, call: Call) -> None:
        if when == "after" and call in bench.proxy.writes() and (call.method, call.path) not in cut:
            cut.add((call.method, call.path))
            raise ConnectionResetError

    bench.proxy.fault = fault
    await bench.make("a", size=1)
    gear = await bench.turning("a", 1)
    assert gear["status"]["jobs"] == 1
    assert {path.rsplit("/", 1)[-1] for _, path in cut} >= {"a", "jobs", "status"}


async def test_an_edit_during_a_pass_wins(bench: Bench) -> None:
    """A status decided for an older generation never overwrites a newer object: the API server answers 409."""
    await bench.make("a", size=1)
    await bench.turning("a", 1)
    edited = False

    async def fault(when: str, call: Call) -> None:
        nonlocal edited
        if when == "before" and call.plural == "gears/status" and not edited:
            edited = True
            await bench.edit("gears", "a", {"spec": {"size": 3}})

    bench.proxy.fault = fault
    await bench.edit("gears", "a", {"spec": {"size": 2}})
    gear = await bench.turning("a", 3)
    assert edited
    assert gear["status"]["observedGeneration"] == 3
    assert bench.operator.metric('modelyard_api_requests_total{code="409",resource="gears/status",verb="patch"}') >= 1
    assert bench.operator.metric('modelyard_reconcile_errors_total{kind="Gear"}') == 0


async def test_a_child_that_is_refused_is_told_and_left(bench: Bench) -> None:
    await bench.make("a", size=1, port=99999)

    async def stalled() -> Any:
        gear = await bench.find("gears", "a")
        return condition(gear, "Stalled") and gear["status"]["jobs"] == 1 and gear

    gear = await until("it is Stalled", stalled)
    ready = condition(gear, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InvalidChild")
    assert "99999" in ready["message"]
    assert "65535" in ready["message"]
    assert await bench.silent(5) == [], "no retry where a retry can't help"
    await bench.edit("gears", "a", {"spec": {"port": 80}})
    gear = await bench.turning("a", 1)
    assert not condition(gear, "Stalled")


async def test_what_belongs_to_somebody_else_is_left_alone(bench: Bench) -> None:
    await bench.api("POST", bench.path("configmaps"), {"metadata": {"name": "a"}, "data": {"mine": "yes"}})
    await bench.make("a", size=1)

    async def stalled() -> Any:
        return condition(await bench.find("gears", "a"), "Stalled")

    refusal = await until("it is Stalled", stalled)
    assert refusal["reason"] == "NameTaken"
    assert "belongs to nobody" in refusal["message"]
    assert (await bench.find("configmaps", "a"))["data"] == {"mine": "yes"}


async def test_an_ending_object_is_not_written(bench: Bench) -> None:
    await bench.make("a", size=1)
    await bench.turning("a", 1)
    await bench.edit("gears", "a", {"metadata": {"finalizers": ["test.modelyard.dev/wait"]}})
    await bench.delete("gears", "a")
    # One watch carries both gears' events: once `b` is handled, the operator also knows that `a` is being deleted.
    await bench.make("b", size=1)
    await bench.turning("b", 1)
    assert await bench.silent(1) == []
    before = len(bench.proxy.writes())
    await bench.delete("configmaps", "a")
    assert await bench.silent(3) == []
    assert await bench.find("configmaps", "a") is None
    await bench.edit("gears", "a", {"metadata": {"finalizers": None}})

    async def gone() -> bool:
        return await bench.find("gears", "a") is None

    await until("it is gone", gone)
    assert len(bench.proxy.writes()) == before


async def test_a_mistake_in_one_object_does_not_stop_the_others(bench: Bench) -> None:
    await bench.make("bad", size=1, explode=True)

    async def failed() -> bool:
        return bench.operator.metric('modelyard_reconcile_errors_total{kind="Gear"}') >= 2

    await until("its passes fail", failed)
    await bench.make("good", size=1)
    await bench.turning("good", 1)
    log = bench.operator.log.read_text()
    assert '"name":"bad"' in log
    assert "ZeroDivisionError: this gear has no teeth" in log


async def test_a_controller_that_never_rests_slows_down(bench: Bench) -> None:
    await bench.make("restless", size=1, restless=True)
    await bench.turning("restless", 1)
    assert len(await bench.silent(10)) <= 8
    await bench.make("strict", size=1, strict=True)
    await bench.turning("strict", 1)
    await bench.delete("gears", "restless")
    gear = await bench.turning("strict", 1)
    assert gear["status"]["strict"] == {"a": 1}
    await bench.silent(2)
    assert await bench.silent(5) == [], "a field that the API server drops is not written again and again"
    assert "the API server changed the status that was written, in ['strict']" in bench.operator.log.read_text()


async def test_a_namespace_that_ends_is_quiet(bench: Bench) -> None:
    await bench.make("a", size=1)
    await bench.turning("a", 1)
    await bench.edit("gears", "a", {"metadata": {"finalizers": ["test.modelyard.dev/wait"]}})
    await bench.make("b", size=1)
    await bench.api("DELETE", f"/api/v1/namespaces/{bench.namespace}")

    async def emptied() -> bool:
        return await bench.find("configmaps", "a") is None

    await until("the children are gone", emptied, 60)
    # The operator doesn't watch namespaces: it may try once to create each child, and the refusal must not reach the
    # status. The status may say that a child is gone, if the gear's own deletion is reported later than the child's.
    calls = await bench.silent(5)
    writes_per_path = Counter(call.path for call in calls)
    assert set(writes_per_path.values()) <= {1}, writes_per_path
    assert not any("Terminating" in str(call.body) for call in calls if call.path.endswith("/status")), calls
    assert await bench.silent(5) == []
