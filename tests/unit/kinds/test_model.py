"""Checks that a Model chooses a champion by gates or by pin."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.resource import JOBS, MODEL_VERSIONS, MODELS, TRAINING_RUNS, Key, Object
from tests.unit.kinds.objects import complete, evaluate_result, imported, model, run, train_result
from tests.unit.kinds.test_trainingrun import job_of, start, with_data
from tests.unit.kinds.world import World

GATES = [{"name": "good", "metric": "balanced_accuracy", "min": 0.8}]


def with_model(**spec: Any) -> World:
    world = with_data()
    world.put(MODELS, model(**{"gates": GATES} | spec))
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a Model has become Ready, and its name."""
    world = with_model()
    world.settle()
    return world, "species"


def train(world: World, name: str, accuracy: float = 0.9, of: str = "species") -> None:
    """Starts a TrainingRun for the Model ``of`` and completes it."""
    start(world, name, modelRef={"name": of})
    complete(world, job_of(world, name), train_result(job_of(world, name), accuracy))
    world.settle()


def status(world: World) -> Object:
    return world.status_of(MODELS, "species")


def versions(world: World) -> list[str]:
    return sorted(version["metadata"]["name"] for version in world.all(MODEL_VERSIONS))


def aliases(world: World) -> dict[str, int]:
    return {alias["name"]: alias["version"] for alias in status(world)["aliases"]}


def available(world: World) -> tuple[str, str]:
    return world.condition(MODELS, "species", "ChampionAvailable")[:2]


def test_automatic_promotes_what_passes_and_only_forward() -> None:
    world = with_model()
    world.settle()
    assert available(world) == ("False", "NoVersions")
    train(world, "bad", 0.5)
    assert available(world) == ("False", "NoVersionApproved")
    assert "balanced_accuracy is 0.5" in world.condition(MODELS, "species", "ChampionAvailable")[2]
    train(world, "good", 0.9)
    train(world, "worse", 0.7)
    assert aliases(world) == {"champion": 2, "challenger": 3}
    assert available(world) == ("True", "ChallengerNotApproved")
    assert world.condition(MODELS, "species", "ChampionAvailable")[2].startswith(
        "version 2 is champion; version 3 is not promoted: good: balanced_accuracy is 0.7, asked is at least 0.8. "
        "To promote it whatever the gates say: kubectl patch model species"
    )
    promotions = status(world)["promotions"]
    assert [(p["version"], p.get("previous"), p["by"]) for p in promotions] == [(2, None, "Gates")]
    assert promotions[0]["evidence"].startswith("sha256:")
    assert world.status_of(MODEL_VERSIONS, "species-v2")["aliases"] == ["champion"]
    assert world.status_of(MODEL_VERSIONS, "species-v3")["aliases"] == ["challenger"]
    assert world.condition(MODELS, "species")[:2] == ("True", "Accepted")


def test_manual_waits_for_a_pin_and_an_unpinned_champion_stays() -> None:
    world = with_model(promotion="Manual")
    train(world, "a")
    train(world, "b")
    assert available(world) == ("False", "AwaitingPromotion")
    assert world.condition(MODELS, "species", "ChampionAvailable")[2] == (
        "version 2 waits to be promoted, since spec.promotion is Manual: "
        """kubectl patch model species -n team --type=merge -p '{"spec":{"pin":{"version":2}}}'"""
    )
    world.put(MODELS, model(gates=GATES, promotion="Manual", pin={"version": 1}))
    world.settle()
    assert (aliases(world), available(world)) == ({"champion": 1, "challenger": 2}, ("True", "Promoted"))
    world.put(MODELS, model(gates=GATES, promotion="Manual"))
    world.settle()
    assert aliases(world)["champion"] == 1
    assert [(p["version"], p["by"]) for p in status(world)["promotions"]] == [(1, "Pin")]


def test_a_pin_goes_before_the_gates_and_back_and_unpinned_the_newest_wins() -> None:
    world = with_model()
    train(world, "a", 0.85)
    train(world, "bad", 0.1)
    train(world, "c", 0.95)
    for number in (2, 1):
        world.put(MODELS, model(gates=GATES, pin={"version": number}))
        world.settle()
        assert aliases(world) == {"champion": number, "challenger": 3}
    world.put(MODELS, model(gates=GATES))
    world.settle()
    assert aliases(world) == {"champion": 3}
    assert [(p["version"], p["by"]) for p in status(world)["promotions"]] == [
        (1, "Gates"),
        (3, "Gates"),
        (2, "Pin"),
        (1, "Pin"),
        (3, "Gates"),
    ]


def test_a_pin_that_cannot_be_is_told_and_changes_nothing() -> None:
    world = with_model()
    train(world, "a")
    world.put(MODEL_VERSIONS, imported(2, data="nowhere"))
    world.settle()
    for number, reason, says in ((9, "PinnedVersionNotFound", "does not exist"), (2, "PinnedVersionNotReady", "Ready")):
        world.put(MODELS, model(gates=GATES, pin={"version": number}))
        world.settle()
        assert available(world) == ("False", reason)
        message = world.condition(MODELS, "species", "ChampionAvailable")[2]
        assert f"spec.pin.version: version {number}" in message
        assert says in message
        assert "there are 1, 2" in message
        assert aliases(world)["champion"] == 1


@pytest.mark.parametrize(("promotion", "champion"), [("Automatic", 1), ("Manual", None)])
def test_a_deleted_champion_is_followed_by_the_next_that_passes(promotion: str, champion: int | None) -> None:
    world = with_model()
    train(world, "a")
    train(world, "b")
    world.put(MODELS, model(gates=GATES, promotion=promotion))
    world.settle()
    assert status(world)["champion"] == 2
    world.delete(MODEL_VERSIONS, "species-v2")
    world.settle()
    assert status(world).get("champion") == champion
    assert available(world) == (("True", "Promoted") if champion else ("False", "AwaitingPromotion"))


def test_a_champion_that_is_ending_is_champion_no_more() -> None:
    world = with_model()
    train(world, "a")
    train(world, "b")
    ending = world.get(MODEL_VERSIONS, "species-v2")
    ending["metadata"] |= {"deletionTimestamp": "2026-01-05T12:00:00Z", "finalizers": ["foregroundDeletion"]}
    world.put(MODEL_VERSIONS, ending)
    world.settle()
    assert status(world)["champion"] == 1
    train(world, "c")
    assert "species-v3" in versions(world), "the name of one that is ending is not free yet"


def test_changed_gates_judge_anew_but_unseat_nobody() -> None:
    world = with_model()
    train(world, "a", 0.85)
    train(world, "b", 0.75)
    strict = [{"name": "good", "metric": "balanced_accuracy", "min": 0.99}]
    world.put(MODELS, model(gates=strict))
    world.settle()
    assert aliases(world)["champion"] == 1
    assert world.status_of(MODEL_VERSIONS, "species-v1")["approved"] is False
    assert world.condition(MODEL_VERSIONS, "species-v1", "Approved")[:2] == ("False", "GateFailed")
    easy = [{"name": "good", "metric": "balanced_accuracy", "min": 0.7}]
    world.put(MODELS, model(gates=easy, noWorseThanChampion={"tolerance": 0.2}))
    world.settle()
    assert aliases(world) == {"champion": 2}
    assert world.condition(MODEL_VERSIONS, "species-v2", "Approved")[:2] == ("True", "GatesPassed")


def test_a_verdict_by_older_gates_promotes_nobody() -> None:
    world = with_model()
    train(world, "a", 0.99)
    world.put(MODELS, model(gates=GATES, pin={"version": 1}, noWorseThanChampion={"enabled": False}))
    train(world, "b", 0.85)
    assert world.status_of(MODEL_VERSIONS, "species-v2")["approved"] is True
    strict = [{"name": "good", "metric": "balanced_accuracy", "min": 0.9}]
    world.put(MODELS, model(gates=strict, noWorseThanChampion={"enabled": False}))
    world.run(Key(MODELS, "team", "species"))
    assert aliases(world)["champion"] == 1, "version 2 was not judged by these gates yet"
    world.settle()
    assert aliases(world)["champion"] == 1


def test_the_history_of_promotions_is_bounded() -> None:
    world = with_model()
    train(world, "a")
    train(world, "b")
    for number in [1, 2] * 12:
        world.put(MODELS, model(gates=GATES, pin={"version": number}))
        world.settle()
    assert len(status(world)["promotions"]) == 20
    assert status(world)["promotions"][-1]["version"] == 2


def test_an_imported_version_becomes_champion_when_it_is_scored_and_passes() -> None:
    world = with_model()
    train(world, "a")
    latest = world.get(TRAINING_RUNS, "a")["status"]["datasetVersion"]
    world.put(MODEL_VERSIONS, imported(5, data=latest))
    world.settle()
    assert aliases(world) == {"champion": 1}
    (job,) = (job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"])
    complete(world, job, evaluate_result(job, 0.95))
    world.settle()
    assert aliases(world) == {"champion": 5}


def test_other_models_and_namespaces_are_not_meant() -> None:
    world = with_model()
    world.put(MODELS, model("other"))
    train(world, "a")
    elsewhere = run("b", modelRef={"name": "species"})
    elsewhere["metadata"]["namespace"] = "elsewhere"
    world.put(TRAINING_RUNS, elsewhere)
    world.settle()
    assert world.status_of(MODELS, "other")["versions"] == 0
    assert status(world)["versions"] == 1
