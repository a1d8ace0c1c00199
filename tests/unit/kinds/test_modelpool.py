"""A ModelPool by itself: pods that wait for models. With ModelDeployments on it: test_packing."""

from __future__ import annotations

from modelyard.engine.resource import CONFIG_MAPS, DEPLOYMENTS, DISRUPTION_BUDGETS, MODEL_POOLS
from tests.unit.kinds import packs
from tests.unit.kinds.world import World


def done() -> tuple[World, str]:
    """A world in which one has come to its good end, and the name of it."""
    world = World()
    world.put(MODEL_POOLS, packs.pool())
    world.settle()
    packs.Servers(world).settle()
    return world, packs.POOL


def test_its_pods_wait_for_models() -> None:
    world, name = done()
    assert world.condition(MODEL_POOLS, name)[:2] == ("True", "Serving")
    assert packs.catalogue(world) == {}
    children = (world.one(resource) for resource in (CONFIG_MAPS, DEPLOYMENTS, DISRUPTION_BUDGETS))
    assert {child["metadata"]["name"] for child in children} == {packs.CHILD}
