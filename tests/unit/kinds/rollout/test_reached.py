"""Checks pods that are ready but unreachable: EndpointSlices follow later than the counts of a Deployment."""

from __future__ import annotations

import pytest

from modelyard.engine.resource import ENDPOINT_SLICES, MODEL_DEPLOYMENTS, MODEL_POOLS, Object
from tests.unit.kinds.objects import roll_out
from tests.unit.kinds.packs import Servers, packed, pool
from tests.unit.kinds.packs import ready as packed_ready
from tests.unit.kinds.rollout.test_traffic import CANARY, GATEWAY, open_gateway, shares
from tests.unit.kinds.test_model import train, with_model
from tests.unit.kinds.test_modeldeployment import deploy, ready, rolled, status
from tests.unit.kinds.world import World

SLICE = "species-abcde"


def published(world: World, name: str, *endpoints: Object, kind: str = "IPv4") -> None:
    """Replaces the contents of an EndpointSlice."""
    world.put(ENDPOINT_SLICES, world.get(ENDPOINT_SLICES, name) | {"addressType": kind, "endpoints": list(endpoints)})
    world.settle()


def up(ready: bool | None = True) -> Object:
    return {"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}


@pytest.fixture
def world() -> World:
    """Returns a world in which version 1 is being rolled out."""
    world = with_model()
    train(world, "a")
    deploy(world)
    return world


def test_ready_is_said_once_clients_get_to_a_pod(world: World) -> None:
    roll_out(world)
    published(world, SLICE)
    assert ready(world) == ("False", "WaitingForEndpoints")
    assert (
        "kubectl get endpointslices -l kubernetes.io/service-name=species"
        in (world.condition(MODEL_DEPLOYMENTS, "species")[2])
    )
    assert status(world)["stable"] == 1
    published(world, SLICE, up(False))
    assert ready(world) == ("False", "WaitingForEndpoints")
    published(world, SLICE, up(False), up())
    assert ready(world) == ("True", "Serving")
    published(world, SLICE, {"addresses": ["10.0.0.1"], "conditions": {}})
    assert ready(world) == ("True", "Serving"), "Kubernetes: a condition that is not known counts as true"


def test_nothing_is_reached_where_nothing_is_wanted(world: World) -> None:
    rolled(world)
    deploy(world, replicas=0)
    rolled(world)
    assert ready(world) == ("True", "Serving")


def test_a_packed_one_too() -> None:
    world = with_model()
    train(world, "a")
    world.put(MODEL_DEPLOYMENTS, packed("species"))
    world.put(MODEL_POOLS, pool())
    world.settle()
    servers = Servers(world)
    servers.settle()
    assert packed_ready(world, "species") == ("True", "Serving")
    published(world, SLICE)
    assert packed_ready(world, "species") == ("False", "WaitingForEndpoints")


def test_a_candidate_gets_traffic_once_the_gateway_knows_enough_of_its_pods() -> None:
    world = with_model()
    open_gateway(world)
    train(world, "a")
    half = CANARY | {"steps": [{"weight": 50, "pause": "60s"}]}
    deploy(world, gateway=GATEWAY, rollout=half, replicas=4)
    rolled(world)
    train(world, "b")
    roll_out(world)
    published(world, "species-v2-abcde", up())
    assert ready(world) == ("False", "WaitingForPods")
    assert "1 of 2 ready, to get 50 %" in world.condition(MODEL_DEPLOYMENTS, "species")[2]
    assert shares(world) == {"species-v1": 100}
    # A pod with an IPv4 and an IPv6 address counts once.
    ipv6 = world.get(ENDPOINT_SLICES, "species-v2-abcde") | {"addressType": "IPv6"}
    world.put(ENDPOINT_SLICES, ipv6 | {"metadata": ipv6["metadata"] | {"name": "species-v2-fghij"}})
    world.settle()
    assert shares(world) == {"species-v1": 100}
    published(world, "species-v2-abcde", up(), up())
    assert shares(world) == {"species-v1": 50, "species-v2": 50}
