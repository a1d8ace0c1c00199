"""The engine's promises, each on the real API server."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.engine.gears import CRD, RULES
from tests.cluster.engine.operator import Operator, until
from tests.cluster.engine.proxy import Api, Call, Proxy

pytestmark = pytest.mark.cluster


class Bench:
    """One namespace with an operator that works in it alone, through a proxy."""

    def __init__(self, api: Api, proxy: Proxy, namespace: str, folder: Path) -> None:
        self.api, self.proxy, self.namespace, self.folder = api, proxy, namespace, folder
        self.operator = Operator(proxy.kubeconfig(folder), namespace, "first")

    def path(self, plural: str, name: str = "") -> str:
        groups = {
            "gears": "apis/test.modelyard.dev/v1",
            "jobs": "apis/batch/v1",
            "deployments": "apis/apps/v1",
            "events": "apis/events.k8s.io/v1",
        }
        return f"/{groups.get(plural, 'api/v1')}/namespaces/{self.namespace}/{plural}{'/' if name else ''}{name}"

    async def make(self, name: str, **spec: Any) -> Any:
        gear = {"apiVersion": "test.modelyard.dev/v1", "kind": "Gear", "metadata": {"name": name}, "spec": spec}
        return await self.api("POST", self.path("gears"), gear)

    async def edit(self, plural: str, name: str, body: Any) -> Any:
        return await self.api("PATCH", self.path(plural, name), body)

    async def find(self, plural: str, name: str) -> Any:
        return await self.api.find(self.path(plural, name))

    async def delete(self, plural: str, name: str) -> None:
        await self.api("DELETE", self.path(plural, name))

    async def turning(self, name: str, size: int, seconds: float = 30) -> Any:
        """Wait until the gear is Ready in this size; the gear."""

        async def check() -> Any:
            gear = await self.find("gears", name)
            status = (gear or {}).get("status", {})
            ready = condition(gear, "Ready").get("status") == "True"
            return ready and status["size"] == size and gear

        return await until(f"{name} is Ready in size {size}", check, seconds)

    async def silent(self, seconds: float) -> list[Call]:
        """What was written in that time."""
        before = len(self.proxy.writes())
        await asyncio.sleep(seconds)
        return self.proxy.writes()[before:]


def condition(obj: Any, type_: str) -> dict[str, Any]:
    items = ((obj or {}).get("status") or {}).get("conditions", ())
    return next((item for item in items if item["type"] == type_), {})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    user = f"modelyard-{secrets.token_hex(4)}"
    async with Api() as api, Proxy(api, user) as proxy:
        await api(
            "PATCH",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gears.test.modelyard.dev?fieldManager=test&force=true",
            CRD,
            "application/apply-patch+yaml",
        )
        namespace = f"engine-{secrets.token_hex(4)}"
        await api("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        rights = "/apis/rbac.authorization.k8s.io/v1"
        await api("POST", f"{rights}/clusterroles", {"metadata": {"name": user}, "rules": RULES})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
        binding = {"metadata": {"name": user}, "roleRef": role, "subjects": [{"kind": "User", "name": user}]}
        await api("POST", f"{rights}/clusterrolebindings", binding)
        bench = Bench(api, proxy, namespace, tmp_path)
        try:
            await bench.operator.start()
            await bench.operator.ready()
            yield bench
        finally:
            if bench.operator.process and bench.operator.process.returncode is None:
                await bench.operator.stop()
            for gear in (await api("GET", bench.path("gears")))["items"]:
                if gear["metadata"].get("finalizers"):
                    await bench.edit("gears", gear["metadata"]["name"], {"metadata": {"finalizers": None}})
            await api("DELETE", f"/api/v1/namespaces/{namespace}")
            await api("DELETE", f"{rights}/clusterrolebindings/{user}")
            await api("DELETE", f"{rights}/clusterroles/{user}")


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

    # Past the lists that follow the start, and with children whose fields the API server writes in another way.
    assert await bench.silent(20) == []
    creates = Counter(call.plural for call in bench.proxy.writes() if call.method == "POST")
    assert creates == {"jobs": 2, "events": 2}
    events = await bench.api("GET", bench.path("events"))
    said = [(item["reason"], item["note"]) for item in events["items"] if item["regarding"]["kind"] == "Gear"]
    assert sorted(said) == [("Resized", "The size is 1 now."), ("Resized", "The size is 2 now.")]

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
        return bool((await bench.find("deployments", "a"))["spec"]["replicas"] == 0)

    await until("the scaled child is as it was", replicas)


async def test_a_deletion_that_no_watch_told_of_is_repaired(bench: Bench) -> None:
    for name in ("a", "b"):
        await bench.make(name, size=1)
        await bench.turning(name, 1)
    # The lists after the start would repair it too: wait for them, so that it is the new list that does.
    line = 'modelyard_api_requests_total{code="200",verb="list"}'

    async def listed() -> bool:
        return await bench.operator.metric(line) >= 10 + 1

    await until("the second lists", listed, 40)
    assert await bench.silent(3) == []
    bench.proxy.drops = lambda event: event["type"] == "DELETED"
    await bench.delete("configmaps", "a")
    assert await bench.silent(3) == [], "nobody can know yet"
    bench.proxy.expire_watches()

    async def back() -> bool:
        return await bench.find("configmaps", "a") is not None

    await until("the child is back", back)
    assert await bench.operator.metric('modelyard_list_repairs_total{resource="configmaps"}') >= 1


async def test_what_happened_while_it_was_down_is_seen_at_start(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        await bench.make(name, size=1)
        await bench.turning(name, 1)
    untouched = [("gears", "c"), ("configmaps", "c"), ("jobs", "c-1"), ("deployments", "c")]

    async def versions() -> list[str]:
        return [(await bench.find(*one))["metadata"]["resourceVersion"] for one in untouched]

    before = await versions()
    assert await bench.operator.stop() == 0
    await bench.delete("configmaps", "a")
    await bench.edit("gears", "b", {"spec": {"size": 2}})
    await bench.make("d", size=4)
    await bench.operator.start()
    await bench.turning("b", 2)
    await bench.turning("d", 4)

    async def back() -> bool:
        return await bench.find("configmaps", "a") is not None

    await until("the child is back", back)
    assert await versions() == before


async def test_the_lease_moves_on(bench: Bench) -> None:
    second = Operator(bench.proxy.kubeconfig(bench.folder), bench.namespace, "second")
    await second.start()

    async def stands_by() -> bool:
        return (await second.get("/readyz")).startswith("standing by, first leads")

    await until("the second stands by", stands_by)
    await bench.make("a", size=1)
    await bench.turning("a", 1)
    assert not await second.leads()
    # A graceful stop releases the lease: no waiting for its end.
    assert await bench.operator.stop() == 0
    await second.ready(6)
    await bench.make("b", size=1)
    await bench.turning("b", 1)
    # A killed one doesn't; a restarted container of the same pod goes on at once.
    second.kill()
    await second.ended()
    await second.start()
    await second.ready(10)
    # Another pod waits for the lease's end.
    await bench.operator.start()
    await until("the first asked", lambda: bench.operator.get("/readyz"))
    second.kill()
    await second.ended()
    await bench.operator.ready(25)
    await bench.make("c", size=1)
    await bench.turning("c", 1)


async def test_a_lost_lease_ends_the_process(bench: Bench) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{bench.namespace}/leases/modelyard-operator"
    await bench.api("PATCH", path, {"spec": {"holderIdentity": "a usurper"}})
    async with asyncio.timeout(15):
        assert await bench.operator.ended() == 1


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_at_any_write_changes_nothing_in_the_end(bench: Bench, moment: str) -> None:
    """Killed at write i, for every i of making one object and of changing it; then started again."""
    await bench.make("learn", size=1)
    await bench.turning("learn", 1)
    assert await bench.silent(2) == []
    total = len(bench.proxy.writes())
    assert total >= 5
    for number in range(total):
        name = f"g{number}"
        left = number

        async def fault(when: str, call: Call) -> None:
            nonlocal left
            if when == moment and call in bench.proxy.writes():
                left -= 1
                if left < 0:
                    bench.operator.kill()
                    await bench.operator.ended()
                    raise ConnectionResetError

        bench.proxy.fault = fault
        await bench.make(name, size=1)
        async with asyncio.timeout(20):
            await bench.operator.ended()
        bench.proxy.fault = None
        await bench.operator.start()
        await bench.turning(name, 1)
        jobs = await bench.api("GET", bench.path("jobs"))
        mine = [job["metadata"]["name"] for job in jobs["items"] if job["metadata"]["name"].startswith(f"{name}-")]
        assert mine == [f"{name}-1"]
        assert (await bench.find("deployments", name))["spec"]["replicas"] == 0


async def test_answers_that_were_lost_are_no_harm(bench: Bench) -> None:
    """Every first write arrives, but its answer doesn't."""
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
    """The status of an older generation is never written over a newer object: the API server says 409."""
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
    assert await bench.operator.metric('modelyard_api_requests_total{code="409",verb="patch"}') >= 1
    assert await bench.operator.metric('modelyard_reconcile_errors_total{kind="Gear"}') == 0


async def test_a_child_that_is_refused_is_told_and_left(bench: Bench) -> None:
    await bench.make("a", size=1, port=99999)

    async def stalled() -> Any:
        gear = await bench.find("gears", "a")
        return condition(gear, "Stalled") and gear["status"]["jobs"] == 1 and gear

    gear = await until("it is Stalled", stalled)
    told = condition(gear, "Ready")
    assert (told["status"], told["reason"]) == ("False", "InvalidChild")
    assert "99999" in told["message"]
    assert "65535" in told["message"]
    assert await bench.silent(5) == [], "no retry where a retry can't help"
    await bench.edit("gears", "a", {"spec": {"port": 80}})
    gear = await bench.turning("a", 1)
    assert not condition(gear, "Stalled")


async def test_what_belongs_to_somebody_else_is_left_alone(bench: Bench) -> None:
    await bench.api("POST", bench.path("configmaps"), {"metadata": {"name": "a"}, "data": {"mine": "yes"}})
    await bench.make("a", size=1)

    async def stalled() -> Any:
        return condition(await bench.find("gears", "a"), "Stalled")

    told = await until("it is Stalled", stalled)
    assert told["reason"] == "NameTaken"
    assert "belongs to nobody" in told["message"]
    assert (await bench.find("configmaps", "a"))["data"] == {"mine": "yes"}


async def test_an_ending_object_is_not_written(bench: Bench) -> None:
    await bench.make("a", size=1)
    await bench.turning("a", 1)
    await bench.edit("gears", "a", {"metadata": {"finalizers": ["test.modelyard.dev/wait"]}})
    await bench.delete("gears", "a")
    # The same watch tells of both: when this one is made, the other's end is known.
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
        return await bench.operator.metric('modelyard_reconcile_errors_total{kind="Gear"}') >= 2

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
    # Only the API server knows that the namespace ends: a child may be tried once, and its refusal is no status.
    tried = Counter(call.path for call in await bench.silent(5))
    assert all(count == 1 and not path.endswith("/status") for path, count in tried.items()), tried
    assert await bench.silent(5) == []
