"""Checks ModelDeployments that move into a pool, out of it and to another one, and how pods learn of a change."""

from __future__ import annotations

from modelyard.engine.plan import Page, Patch, PodsWith
from modelyard.engine.resource import (
    CONFIG_MAPS,
    DISRUPTION_BUDGETS,
    MODEL_DEPLOYMENTS,
    MODEL_POOLS,
    Key,
)
from tests.unit.kinds.objects import deployment, roll_out
from tests.unit.kinds.packs import (
    CHILD,
    POOL,
    SELECTOR,
    Servers,
    catalogue,
    packed,
    pool,
    ready,
)
from tests.unit.kinds.test_packing import OURS, SHARED, message, own, selects, servers, status, world
from tests.unit.kinds.world import NAMESPACE, World

__all__ = ["servers", "world"]

# --- in and out -----------------------------------------------------------------------------------------------------


def test_moved_into_a_pool_its_own_pods_serve_until_it_answers_there(world: World) -> None:
    world.put(MODEL_DEPLOYMENTS, deployment(modelRef={"name": "species", "version": 1}))
    for _ in range(5):
        world.settle()
        roll_out(world)
    assert (own(world), selects(world)) == (["species-v1"], OURS)
    servers = Servers(world)
    world.put(MODEL_DEPLOYMENTS, packed("species"))
    world.settle()
    assert (own(world), selects(world), catalogue(world)) == (["species-v1"], OURS, {"species": [1]})
    assert "version 1 goes on serving" in message(world)
    servers.settle()
    assert (own(world), selects(world)) == ([], SHARED)
    assert ready(world, "species") == ("True", "Serving")
    assert [budget["metadata"]["name"] for budget in world.all(DISRUPTION_BUDGETS)] == [CHILD]


def test_moved_out_of_a_pool_it_serves_there_until_pods_of_its_own_do(world: World, servers: Servers) -> None:
    spec = {"modelRef": {"name": "species", "version": 1}, "replicas": 2}
    moved = {key: value for key, value in packed("species").items() if key != "spec"}
    world.put(MODEL_DEPLOYMENTS, moved | {"spec": spec})
    world.settle()
    assert (own(world), selects(world), catalogue(world)) == (["species-v1"], SHARED, {"species": [1]})
    roll_out(world, ready=1)
    world.settle()
    assert (selects(world), catalogue(world)) == (SHARED, {"species": [1]})
    roll_out(world)
    servers.settle()
    assert (selects(world), catalogue(world)) == (OURS, {})
    assert ready(world, "species") == ("True", "Serving")
    assert "pool" not in status(world)


def test_moved_to_another_pool(world: World, servers: Servers) -> None:
    world.put(MODEL_POOLS, pool("other"))
    others = Servers(world, "other")
    world.put(MODEL_DEPLOYMENTS, packed("species", pool="other"))
    world.settle()
    assert (catalogue(world), catalogue(world, "other"), selects(world)) == ({"species": [1]}, {"species": [1]}, SHARED)
    others.settle()
    assert selects(world) == {"modelyard.dev/modelpool": "other"}
    assert (catalogue(world), catalogue(world, "other")) == ({}, {"species": [1]})
    assert ready(world, "species") == ("True", "Serving")


# --- the nudge ------------------------------------------------------------------------------------------------------


def nudged(world: World) -> list[str]:
    plan = world.run(Key(MODEL_POOLS, NAMESPACE, POOL))
    assert plan is not None
    return [write.name for write in plan.writes if isinstance(write, Patch)]


def test_pods_that_have_not_read_the_catalogue_are_nudged(world: World, servers: Servers) -> None:
    assert nudged(world) == []
    world.put(MODEL_DEPLOYMENTS, packed("species", modelRef={"name": "species", "version": 2}))
    world.settle()
    assert nudged(world) == ["small-0", "small-1"]
    servers.read(0)
    assert nudged(world) == ["small-1"]
    plan = world.run(Key(MODEL_POOLS, NAMESPACE, POOL))
    assert plan is not None
    (patch,) = [write for write in plan.writes if isinstance(write, Patch)]
    servers.pods[1]["metadata"] |= patch.body["metadata"]
    assert nudged(world) == [], "once is enough"
    world.now = world.now.replace(minute=world.now.minute + 1)
    assert nudged(world) == ["small-1"], "for a while"
    kinds = [
        type(write).__name__ + "/" + write.manifest["kind"] for write in plan.writes if not isinstance(write, Patch)
    ]
    assert kinds[0] == "Apply/ConfigMap", "it is there before anybody is told to read it"


def test_nothing_is_read_of_what_is_not_packed(world: World) -> None:
    world.read.clear()
    world.put(MODEL_DEPLOYMENTS, deployment(modelRef={"name": "species", "version": 1}))
    world.settle()
    assert not [need for need in world.read if isinstance(need, Page)]
    assert {need.selector for need in world.read if isinstance(need, PodsWith)} <= {SELECTOR}
    assert world.get(CONFIG_MAPS, CHILD)
