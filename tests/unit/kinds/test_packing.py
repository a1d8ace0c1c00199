"""Checks ModelDeployments that share the pods of a ModelPool: they are listed, served, changed and refused."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.resource import (
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    MODEL_DEPLOYMENTS,
    MODEL_POOLS,
    MODEL_VERSIONS,
    MODELS,
    SERVICES,
    Object,
)
from modelyard_server.__main__ import parser
from tests.unit.kinds.objects import LONG, deployment, model
from tests.unit.kinds.packs import (
    CHILD,
    POOL,
    SELECTOR,
    Servers,
    catalogue,
    packed,
    pool,
    pool_ready,
    ready,
    text,
)
from tests.unit.kinds.test_model import GATES, train, with_model
from tests.unit.kinds.world import Died, World

OURS, SHARED = {"modelyard.dev/modeldeployment": "species"}, {"modelyard.dev/modelpool": POOL}


def status(world: World, name: str = "species") -> Object:
    return world.status_of(MODEL_DEPLOYMENTS, name)


def message(world: World, name: str = "species") -> str:
    return world.condition(MODEL_DEPLOYMENTS, name)[2]


def selects(world: World, name: str = "species") -> Any:
    return world.get(SERVICES, name)["spec"]["selector"]


def own(world: World) -> list[str]:
    """Returns the names of the Deployments that aren't the pool's."""
    return [child["metadata"]["name"] for child in world.all(DEPLOYMENTS) if child["metadata"]["name"] != CHILD]


@pytest.fixture
def world() -> World:
    """Returns a world with two versions of a model and an empty pool."""
    world = with_model()
    train(world, "a")
    train(world, "b", 0.95)
    world.put(MODEL_POOLS, pool())
    world.settle()
    return world


@pytest.fixture
def servers(world: World) -> Servers:
    """Returns the pool's servers, after version 1 serves in the pool."""
    servers = Servers(world)
    world.put(MODEL_DEPLOYMENTS, packed("species"))
    servers.settle()
    return servers


# --- the pool's pods ------------------------------------------------------------------------------------------------


def test_a_pool_makes_its_pods_with_an_empty_catalogue(world: World) -> None:
    (child,) = world.all(DEPLOYMENTS)
    assert (child["metadata"]["name"], child["spec"]["replicas"]) == (CHILD, 2)
    assert child["spec"]["selector"]["matchLabels"] == SHARED
    (sidecar,) = child["spec"]["template"]["spec"]["initContainers"]
    fetcher = parser().parse_args(sidecar["args"])
    assert (sidecar["restartPolicy"], fetcher.command) == ("Always", "fetcher")
    (server,) = child["spec"]["template"]["spec"]["containers"]
    options = parser().parse_args(server["args"])
    # The installation's limit of 512 MiB less 160 MiB for the server itself, and a quarter of the rest stays free.
    assert options.memory_budget == (512 - 160) * 1024**2 * 3 // 4
    mounts = {mount["name"]: mount["mountPath"] for mount in server["volumeMounts"]}
    assert str(options.catalogue.parent) == mounts["catalogue"]
    assert str(options.repository) == str(fetcher.repository) == mounts["models"]
    assert options.fetcher == fetcher.socket
    (both,) = (mount for mount in server["volumeMounts"] if mount["mountPath"] == str(fetcher.socket.parent))
    assert both["readOnly"], "nobody puts another socket there"
    assert catalogue(world) == {}
    budget = world.get(DISRUPTION_BUDGETS, CHILD)["spec"]
    assert budget == {
        "minAvailable": world.one(MODEL_POOLS)["spec"]["replicas"] - 1,
        "selector": {"matchLabels": SHARED},
    }
    assert pool_ready(world) == ("False", "WaitingForPods")
    Servers(world).settle()
    assert pool_ready(world) == ("True", "Serving")
    assert world.status_of(MODEL_POOLS, POOL)["selector"] == SELECTOR


def test_pods_that_are_refused_are_told_of_at_once(world: World) -> None:
    cause = 'pods "small-pool-" is forbidden: no PriorityClass with name e3 was found'
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": cause}
    generation = world.get(DEPLOYMENTS, CHILD)["metadata"]["generation"]
    world.status(DEPLOYMENTS, CHILD, {"observedGeneration": generation, "conditions": [refused]})
    world.settle()
    status, reason, message = world.condition(MODEL_POOLS, POOL)
    assert (status, reason) == ("False", "ChildForbidden")
    words = "no PriorityClass with name e3 was found"
    assert message == f"0 of 2 pods are ready: pods can't be created: {words}; correct podTemplate, or what it needs"


def test_ready_pods_of_an_earlier_template_are_told_apart(world: World) -> None:
    generation = world.get(DEPLOYMENTS, CHILD)["metadata"]["generation"]
    counts = {"replicas": 3, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2}
    world.status(DEPLOYMENTS, CHILD, {"observedGeneration": generation, **counts})
    world.settle()
    status, reason, message = world.condition(MODEL_POOLS, POOL)
    assert (status, reason) == ("False", "WaitingForPods")
    assert message == "2 of 2 pods are ready, but 2 pods have an earlier podTemplate"


@pytest.mark.parametrize(
    ("limit", "budget"), [("256Mi", 72 * 1024**2), ("128Mi", 16 * 1024**2), ("1G", int((1e9 - 160 * 1024**2) * 0.75))]
)
def test_the_budget_follows_the_memory_limit(world: World, limit: str, budget: int) -> None:
    world.put(MODEL_POOLS, pool(podTemplate={"resources": {"limits": {"memory": limit}}}))
    world.settle()
    (server,) = world.get(DEPLOYMENTS, CHILD)["spec"]["template"]["spec"]["containers"]
    assert parser().parse_args(server["args"]).memory_budget == budget


def test_a_catalogue_changes_no_pod_template(world: World, servers: Servers) -> None:
    before = world.get(DEPLOYMENTS, CHILD)["spec"]
    world.put(MODEL_DEPLOYMENTS, packed("species", modelRef={"name": "species", "version": 2}))
    servers.settle()
    assert world.get(DEPLOYMENTS, CHILD)["spec"] == before


def test_a_new_default_image_does_not_roll_the_pods(world: World) -> None:
    before = world.get(DEPLOYMENTS, CHILD)["spec"]["template"]
    world.installation.images.server = "elsewhere/server:2"
    world.settle()
    assert world.get(DEPLOYMENTS, CHILD)["spec"]["template"] == before


def test_names_of_the_greatest_length(world: World) -> None:
    world.put(MODEL_POOLS, pool(LONG))
    world.settle()
    assert world.get(DEPLOYMENTS, f"{LONG}-pool")


# --- a packed model -------------------------------------------------------------------------------------------------


def test_a_packed_model_is_served_by_the_pools_pods(world: World) -> None:
    servers = Servers(world)
    world.put(MODEL_DEPLOYMENTS, packed("species"))
    world.settle()
    assert (ready(world, "species"), status(world)["candidate"]) == (("False", "WaitingForPool"), 1)
    assert catalogue(world) == {"species": [1]}
    servers.roll_out()
    servers.read(0)
    world.tick(1)
    assert "version 1 serves on 1 of 2 pods of pool small" in message(world)
    assert "stable" not in status(world)
    servers.settle()
    assert (ready(world, "species"), message(world)) == (
        ("True", "Serving"),
        "version 1 serves on 2 of 2 pods of pool small",
    )
    summary = status(world)
    assert (summary["stable"], summary["pool"], summary["packed"]) == (1, POOL, ["species-v1"])
    assert (summary["replicas"], summary["readyReplicas"], summary["selector"]) == (2, 2, SELECTOR)
    assert [item["version"] for item in summary["history"]] == [1]
    assert summary["url"] == "http://species.team.svc"
    assert (own(world), selects(world)) == ([], SHARED)
    assert world.status_of(MODEL_POOLS, POOL)["models"] == world.status_of(MODEL_POOLS, POOL)["loaded"] == 1
    artifact = world.get(MODEL_VERSIONS, "species-v1")["spec"]["artifact"]
    assert artifact["uri"] in text(world)
    assert artifact["digest"] in text(world)


def test_a_new_version_has_the_one_before_beside_it_until_it_serves(world: World, servers: Servers) -> None:
    world.put(MODEL_DEPLOYMENTS, packed("species", modelRef={"name": "species", "version": 2}))
    world.settle()
    assert catalogue(world) == {"species": [2, 1]}
    assert (status(world)["stable"], status(world)["candidate"]) == (1, 2)
    servers.read(1)
    world.tick(1)
    assert ready(world, "species") == ("False", "WaitingForPool")
    assert "version 1 goes on serving" in message(world)
    assert catalogue(world) == {"species": [2, 1]}
    servers.settle()
    assert (ready(world, "species"), status(world)["stable"]) == (("True", "Serving"), 2)
    assert catalogue(world) == {"species": [2]}
    assert [item["version"] for item in status(world)["history"]] == [1, 2]


def test_an_alias_is_followed(world: World) -> None:
    servers = Servers(world)
    world.put(MODEL_DEPLOYMENTS, packed("species", modelRef={"name": "species", "alias": "champion"}))
    servers.settle()
    assert status(world)["stable"] == 2
    train(world, "c", 0.97)
    servers.settle()
    assert (status(world)["stable"], catalogue(world)) == (3, {"species": [3]})


def test_one_that_cannot_be_loaded_says_why_and_the_one_before_serves_on(world: World, servers: Servers) -> None:
    servers.broken["species", 2] = ("Failed", "it does not answer its own example")
    world.put(MODEL_DEPLOYMENTS, packed("species", modelRef={"name": "species", "version": 2}))
    servers.settle()
    assert ready(world, "species") == ("False", "LoadFailed")
    assert world.condition(MODEL_DEPLOYMENTS, "species", "Stalled")[0] == "True"
    assert "version 2 can't be served by pool small: it does not answer its own example" in message(world)
    assert "version 1 goes on serving" in message(world)
    assert [note[1] for note in world.notes].count("LoadFailed") == 1
    assert catalogue(world) == {"species": [2, 1]}, "a new pod has something to serve"
    assert pool_ready(world) == ("True", "Serving")
    assert "species: it does not answer its own example" in world.condition(MODEL_POOLS, POOL)[2]
    assert world.status_of(MODEL_POOLS, POOL)["failed"] == 1
    world.put(MODEL_DEPLOYMENTS, packed("species"))
    servers.settle()
    assert (ready(world, "species"), catalogue(world)) == (("True", "Serving"), {"species": [1]})


def test_one_that_is_tried_again_is_not_stalled(world: World) -> None:
    servers = Servers(world)
    servers.broken["species", 1] = ("Retrying", "the store did not answer")
    world.put(MODEL_DEPLOYMENTS, packed("species"))
    servers.settle()
    assert ready(world, "species") == ("False", "LoadRetried")
    assert world.condition(MODEL_DEPLOYMENTS, "species", "Reconciling")[0] == "True"
    servers.broken.clear()
    servers.settle()
    assert ready(world, "species") == ("True", "Serving")


def test_a_version_of_another_model_is_told_from_it_by_its_digest(world: World, servers: Servers) -> None:
    """Both models have a version 1: the pods' version 1 must not count as the wanted one."""
    world.put(MODELS, model("other", gates=GATES))
    train(world, "x", of="other")
    world.put(MODEL_DEPLOYMENTS, packed("species", modelRef={"name": "other", "version": 1}))
    world.settle()
    assert ready(world, "species") == ("False", "WaitingForPool")
    assert status(world)["packed"] == ["other-v1", "species-v1"]
    servers.settle()
    assert (ready(world, "species"), status(world)["packed"]) == (("True", "Serving"), ["other-v1"])


def test_a_pool_that_is_not_there(world: World) -> None:
    world.put(MODEL_DEPLOYMENTS, packed("species", pool="none"))
    world.settle()
    assert ready(world, "species") == ("False", "PoolNotFound")
    assert message(world) == "pool none doesn't exist: create it, or remove spec.pool"
    world.put(MODEL_POOLS, pool("none"))
    Servers(world, "none").settle()
    assert ready(world, "species") == ("True", "Serving")


def test_a_change_of_mind_leaves_nothing(world: World) -> None:
    def put(spec: Object) -> Object:
        obj = {key: value for key, value in deployment().items() if key != "spec"}
        world.put(MODEL_DEPLOYMENTS, obj | {"spec": spec})
        world.settle()
        return {key: value for key, value in status(world).items() if key not in ("conditions", "observedGeneration")}

    own_pods = {"modelRef": {"name": "species", "version": 1}, "replicas": 2}
    before = put(own_pods)
    put({**own_pods, "replicas": 1, "pool": "none"})
    assert put(own_pods) == before


def test_a_pool_without_pods(world: World, servers: Servers) -> None:
    world.put(MODEL_POOLS, pool(replicas=0))
    servers.pods.clear()
    servers.settle()
    assert ready(world, "species") == ("False", "PoolHasNoPods")
    assert pool_ready(world) == ("True", "NoReplicas")


def test_pods_that_do_not_answer_serve_nothing(world: World, servers: Servers) -> None:
    world.pages.clear()
    world.tick(30)
    assert ready(world, "species") == ("False", "WaitingForPool")
    assert pool_ready(world) == ("False", "Loading")
    assert catalogue(world) == {"species": [1]}
    servers.settle()
    assert ready(world, "species") == ("True", "Serving")


def test_a_trouble_leaves_what_serves_as_it_is(world: World, servers: Servers) -> None:
    world.put(MODEL_DEPLOYMENTS, packed("species", modelRef={"name": "species", "version": 9}))
    servers.settle()
    assert ready(world, "species") == ("False", "VersionNotFound")
    assert "version 1 goes on serving" in message(world)
    assert catalogue(world) == {"species": [1]}
    assert selects(world) == SHARED


def test_a_version_that_is_gone_stays_listed(world: World, servers: Servers) -> None:
    before = text(world)
    world.delete(MODEL_VERSIONS, "species-v1")
    servers.settle()
    assert text(world) == before
    world.restart()
    servers.settle()
    assert text(world) == before


def test_suspended_and_deleted_ones_are_listed_no_more(world: World, servers: Servers) -> None:
    world.put(MODEL_DEPLOYMENTS, packed("species", suspend=True))
    servers.settle()
    assert (world.condition(MODEL_DEPLOYMENTS, "species", "Suspended")[0], catalogue(world)) == ("True", {})
    world.put(MODEL_DEPLOYMENTS, packed("species", suspend=False))
    servers.settle()
    assert (ready(world, "species"), catalogue(world)) == (("True", "Serving"), {"species": [1]})
    world.delete(MODEL_DEPLOYMENTS, "species")
    servers.settle()
    assert catalogue(world) == {}
    assert not world.all(SERVICES)


def test_fifty_on_two_pods(world: World) -> None:
    servers = Servers(world)
    names = [f"m{number}" for number in range(50)]
    for name in names:
        world.put(MODEL_DEPLOYMENTS, packed(name, modelRef={"name": "species", "version": 1}))
    servers.broken["m7", 1] = ("Failed", "broken")
    servers.settle()
    assert len(catalogue(world)) == 50
    assert [name for name in names if ready(world, name) != ("True", "Serving")] == ["m7"]
    summary = world.status_of(MODEL_POOLS, POOL)
    assert (summary["models"], summary["loaded"], summary["failed"]) == (50, 49, 1)
    assert [child["metadata"]["name"] for child in world.all(DEPLOYMENTS)] == [CHILD]
    world.restart()
    before = world.writes
    world.settle()
    assert world.writes == before


def test_any_write_may_be_the_last_one(world: World) -> None:
    """The end state is the same if the operator is killed before or after any of its writes."""
    for number in range(1, 12):
        for when in ("before", "after"):
            fresh = with_model()
            train(fresh, "a")
            fresh.put(MODEL_POOLS, pool())
            servers = Servers(fresh)
            fresh.put(MODEL_DEPLOYMENTS, packed("species"))
            fresh.die_at = (fresh.writes + number, when)
            try:
                servers.settle()
            except Died:
                fresh.die_at = None
                fresh.restart()
                servers.settle()
            assert ready(fresh, "species") == ("True", "Serving"), (number, when)
            assert catalogue(fresh) == {"species": [1]}
