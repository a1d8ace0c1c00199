"""Checks that a version that waits for a person is told where its user looks, with the command that promotes it."""

from __future__ import annotations

from modelyard.engine.resource import MODEL_DEPLOYMENTS, MODELS
from tests.unit.kinds.objects import model
from tests.unit.kinds.test_model import GATES, train, with_model
from tests.unit.kinds.test_modeldeployment import deploy, ready, serves


def test_a_first_version_that_waits_to_be_promoted_is_told_with_the_command() -> None:
    world = with_model(promotion="Manual")
    deploy(world)
    train(world, "a")
    command = """kubectl patch model species -n team --type=merge -p '{"spec":{"pin":{"version":1}}}'"""
    waits = f"version 1 waits to be promoted, since spec.promotion is Manual: {command}"
    assert world.condition(MODEL_DEPLOYMENTS, "species") == (
        "False",
        "AwaitingPromotion",
        f"spec.modelRef.alias: Model 'species' has no champion yet: {waits}",
    )
    assert ("Model/species", "AwaitingPromotion", waits) in world.notes
    world.put(MODELS, model(promotion="Manual", pin={"version": 1}))
    world.settle()
    assert (ready(world), serves(world)) == (("False", "RollingOut"), (None, 1))


def test_a_first_version_that_passes_no_gate_is_told() -> None:
    world = with_model()
    deploy(world)
    train(world, "bad", 0.5)
    assert ready(world) == ("False", "AliasNotSet")
    message = world.condition(MODEL_DEPLOYMENTS, "species")[2]
    assert "no version passes all gates; version 1: good: balanced_accuracy is 0.5, asked is at least 0.8" in message


def test_each_version_that_waits_for_a_person_is_told_by_an_event() -> None:
    world = with_model(promotion="Manual")
    train(world, "a")
    train(world, "b")
    world.put(MODELS, model(gates=GATES, promotion="Manual", pin={"version": 1}))
    world.settle()
    world.put(MODELS, model(gates=GATES, promotion="Manual"))
    world.settle()
    train(world, "bad", 0.5)
    told = [message for _, reason, message in world.notes if reason == "AwaitingPromotion"]
    assert [message.partition(" waits")[0] for message in told] == [
        "version 1",
        "version 2",
        "version 1 is champion; version 2",
        "version 1 is champion; version 3",
    ]
    assert "although it is not approved (good: balanced_accuracy is 0.5, asked is at least 0.8)" in told[-1]
    world.put(MODELS, model(gates=GATES, promotion="Manual", pin={"version": 1}))
    world.settle()
    assert world.condition(MODELS, "species", "ChampionAvailable") == (
        "True",
        "Promoted",
        "version 1 is champion; spec.pin keeps it: version 3 follows only if the pin names it or is removed",
    )
