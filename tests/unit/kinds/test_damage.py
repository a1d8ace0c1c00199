"""Checks that a version whose stored bytes are gone or were changed is no longer Verified once a pod notices."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelyard.engine.resource import DEPLOYMENTS, MODEL_DEPLOYMENTS, MODEL_POOLS, MODEL_VERSIONS, MODELS
from modelyard_api.kinds.modelversion import VERIFY
from tests.unit.kinds import packs
from tests.unit.kinds.objects import model, roll_out
from tests.unit.kinds.test_model import train, with_model
from tests.unit.kinds.test_modeldeployment import deploy, ready, rolled, served, serves, status
from tests.unit.kinds.test_serving_pods import broken, ended, lose, message, told
from tests.unit.kinds.world import World

CHANGED, GONE = "DigestMismatch", "ArtifactMissing"


@pytest.fixture
def world() -> World:
    """Returns a world in which version 1 serves on two replicas."""
    return served()


def damage(world: World, number: int, reason: str = CHANGED) -> None:
    """Lets a pod find that the bytes of a version are not what they were."""
    said = json.dumps({"kind": "Failed", "error": {"reason": reason, "message": "model.onnx is not what it was"}})
    broken(world, number, **ended(2, message=said))


def version(world: World, number: int = 1, type_: str = "Ready") -> tuple[str, str]:
    return world.condition(MODEL_VERSIONS, f"species-v{number}", type_)[:2]


def found(world: World, reason: str = CHANGED) -> None:
    """Lets a pod of version 1, which has served, find damage."""
    damage(world, 1, reason)
    lose(world, 1)
    world.tick(10)


def repaired(world: World) -> None:
    world.serving.clear()
    rolled(world)


@pytest.mark.parametrize("reason", [CHANGED, GONE])
def test_a_version_that_has_served_is_no_longer_verified(world: World, reason: str) -> None:
    found(world, reason)
    assert (version(world), version(world, 1, "Verified")) == (("False", reason), ("False", reason))
    assert version(world, 1, "Stalled") == ("True", reason)
    text = world.condition(MODEL_VERSIONS, "species-v1")[2]
    assert text.startswith("model.onnx is not what it was (found by a pod of ModelDeployment species); once mlflow-")
    assert f"kubectl annotate modelversion species-v1 -n team --overwrite {VERIFY}=" in text
    assert ("ModelVersion/species-v1", reason, text) in world.notes
    # What serves goes on, and the ModelDeployment says the cause, not only that the version isn't ready.
    assert told(world) == ("False", reason, True)
    assert "ModelVersion species-v1 is not Ready" in message(world)
    assert message(world).endswith("version 1 goes on serving")
    assert world.get(DEPLOYMENTS, "species-v1")["spec"]["replicas"] == 2
    writes = world.writes
    world.tick(600)
    assert world.writes == writes


def test_it_is_verified_again_once_all_of_its_pods_have_fetched_it(world: World) -> None:
    found(world)
    lose(world, 1)  # the pod has just been replaced, and nothing is known of the new one
    world.serving.clear()
    world.tick(10)
    assert version(world) == ("False", CHANGED)
    repaired(world)
    assert (version(world), version(world, 1, "Verified")[0]) == (("True", "Verified"), "True")
    assert ready(world) == ("True", "Serving")
    assert not status(world).get("damaged")


def test_a_damaged_candidate_stays_damaged_when_it_goes(world: World) -> None:
    damage(world, 2)
    train(world, "b")
    roll_out(world, ready=0)
    world.settle()
    world.tick(10)
    assert (version(world, 2), told(world)) == (("False", CHANGED), ("False", CHANGED, True))
    assert serves(world) == (1, 2)
    deploy(world, modelRef={"name": "species", "version": 1})
    rolled(world)
    assert (ready(world), version(world, 2)) == (("True", "Serving"), ("False", CHANGED))
    # It isn't rolled out again by another way either, nor promoted.
    deploy(world)
    assert ready(world) == ("False", "VersionNotReady")
    assert serves(world) == (1, None)
    assert "DigestMismatch: model.onnx is not what it was" in message(world)


def test_a_person_has_it_verified_again(world: World) -> None:
    found(world)
    world.delete(MODEL_DEPLOYMENTS, "species")
    world.settle()
    assert version(world) == ("False", CHANGED), "nobody notices now, but nothing was restored either"
    obj = world.get(MODEL_VERSIONS, "species-v1")
    obj["metadata"]["annotations"] = {VERIFY: "1"}
    world.put(MODEL_VERSIONS, obj)
    world.settle()
    assert version(world) == ("True", "Verified")


def test_what_is_still_damaged_is_found_again(world: World) -> None:
    found(world)
    obj = world.get(MODEL_VERSIONS, "species-v1")
    obj["metadata"]["annotations"] = {VERIFY: "1"}
    world.put(MODEL_VERSIONS, obj)
    world.settle()
    assert version(world) == ("False", CHANGED)


def test_a_lost_status_changes_nothing(world: World) -> None:
    found(world)
    before = world.status_of(MODEL_VERSIONS, "species-v1")
    for resource, name in ((MODEL_VERSIONS, "species-v1"), (MODEL_DEPLOYMENTS, "species")):
        world.status(resource, name, None)
    world.restart()
    world.settle()
    after = world.status_of(MODEL_VERSIONS, "species-v1")
    assert after["damage"]["reason"] == before["damage"]["reason"]


def test_a_store_that_is_away_damages_nothing(world: World) -> None:
    said: dict[str, Any] = {"kind": "Failed", "error": {"reason": "TrackingUnavailable", "message": "no answer"}}
    broken(world, 1, **ended(1, message=json.dumps(said)))
    lose(world, 1)
    world.tick(10)
    assert told(world) == ("False", "TrackingUnavailable", False)
    assert version(world) == ("True", "Verified")


def test_a_champion_that_is_damaged_is_told_of_by_its_model(world: World) -> None:
    found(world)
    state, reason, text = world.condition(MODELS, "species", "ChampionAvailable")
    assert (state, reason) == ("False", "ChampionNotReady")
    assert "version 1 is champion, and is not Ready (DigestMismatch: model.onnx" in text
    assert ("Model/species", "ChampionNotReady", text) in world.notes
    repaired(world)
    assert world.condition(MODELS, "species", "ChampionAvailable")[:2] == ("True", "Promoted")


def test_a_damaged_champion_does_not_hide_who_might_follow_it(world: World) -> None:
    found(world)
    world.put(MODELS, model(promotion="Manual"))
    train(world, "b", 0.97)
    state, reason, text = world.condition(MODELS, "species", "ChampionAvailable")
    assert (state, reason) == ("False", "ChampionNotReady")
    assert "version 1 is champion, and is not Ready (DigestMismatch: " in text
    assert "; version 2 waits to be promoted, since spec.promotion is Manual: kubectl patch model species" in text
    assert ("Model/species", "ChampionNotReady", text) in world.notes, "the newer version is told of too"


def test_a_pool_notices_too() -> None:
    world = with_model()
    train(world, "a")
    world.put(MODEL_POOLS, packs.pool())
    world.put(MODEL_DEPLOYMENTS, packs.packed("species"))
    servers = packs.Servers(world)
    servers.broken["species", 1] = ("Failed", "model.onnx is not what it was")
    servers.cause = CHANGED
    servers.settle()
    assert version(world) == ("False", CHANGED)
    assert ready(world) == ("False", "VersionNotReady")
    assert "DigestMismatch: model.onnx is not what it was" in message(world)
    assert world.condition(MODEL_DEPLOYMENTS, "species", "Stalled")[0] == "True"
