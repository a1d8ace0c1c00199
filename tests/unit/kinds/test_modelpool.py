"""Checks a ModelPool by itself, whose pods wait for models. test_packing checks it with ModelDeployments on it."""

from __future__ import annotations

from modelyard.engine.resource import CONFIG_MAPS, DEPLOYMENTS, DISRUPTION_BUDGETS, MODEL_POOLS
from tests.unit.kinds import packs
from tests.unit.kinds.world import World


def done() -> tuple[World, str]:
    """Returns a world in which a ModelPool has become Ready, and its name."""
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
