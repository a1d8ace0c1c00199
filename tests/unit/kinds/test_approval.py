"""Checks how the Model's gates apply to the version of a ModelDeployment: asked once, reported always."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.resource import DEPLOYMENTS, MODEL_DEPLOYMENTS, MODELS, Key
from tests.unit.kinds.objects import deployment, model
from tests.unit.kinds.test_model import GATES, train, with_model
from tests.unit.kinds.test_modeldeployment import args, deploy, ready, rolled, serves
from tests.unit.kinds.world import World

STRICT = [{"name": "strict", "metric": "balanced_accuracy", "min": 0.99}]
EASY = [{"name": "easy", "metric": "balanced_accuracy", "min": 0.1}]
OFF = {"enabled": False}
MANY = [{"name": f"g{number}", "metric": "balanced_accuracy", "min": 0.99} for number in range(5)]


@pytest.fixture
def world() -> World:
    """Returns a world in which version 1 is champion and serves, and version 2 passes no gate."""
    world = with_model()
    train(world, "a")
    train(world, "bad", 0.5)
    deploy(world)
    rolled(world)
    return world


def pinned(world: World, number: int, **more: Any) -> None:
    deploy(world, modelRef={"name": "species", "version": number}, **more)


def message(world: World, type_: str = "Ready") -> str:
    return world.condition(MODEL_DEPLOYMENTS, "species", type_)[2]


def test_a_version_that_passes_no_gate_is_not_served_by_naming_it(world: World) -> None:
    pinned(world, 2)
    assert (ready(world), serves(world)) == (("False", "VersionNotApproved"), (1, None))
    assert world.condition(MODEL_DEPLOYMENTS, "species", "Stalled")[0] == "True", "nothing comes of waiting"
    assert message(world) == (
        "spec.modelRef.version: version 2 does not pass the gates of Model 'species': good: balanced_accuracy is 0.5, "
        "asked is at least 0.8; pin another version, change the Model's spec.gates, or make it champion whatever they "
        "say by the Model's spec.pin.version: 2; version 1 goes on serving"
    )
    assert [child["metadata"]["name"] for child in world.all(DEPLOYMENTS)] == ["species-v1"]
    assert "--model-version=1" in args(world)


@pytest.mark.parametrize(
    ("change", "reason", "served"),
    [
        ({"gates": EASY}, "Serving", 2),
        ({"gates": []}, "Serving", 2),
        ({"gates": GATES, "pin": {"version": 2}}, "Serving", 2),
        ({"gates": GATES, "pin": {"version": 1}}, "VersionNotApproved", 1),
        ({"gates": MANY}, "VersionNotApproved", 1),
    ],
    ids=["easier-gates", "no-gates", "pinned-in-the-model", "another-pinned-in-the-model", "more-gates"],
)
@pytest.mark.parametrize("first", ["model", "deployment"])
def test_what_helps_and_what_does_not(
    world: World, change: dict[str, Any], reason: str, served: int, first: str
) -> None:
    if first == "deployment":
        pinned(world, 2)
    world.put(MODELS, model(noWorseThanChampion=OFF, **change))
    world.settle()
    if first == "model":
        pinned(world, 2)
    rolled(world)
    assert (ready(world)[1], serves(world)) == (reason, (served, None))
    # The failed gates are also reported for a version that a pin has made champion despite them.
    overruled = change == {"gates": GATES, "pin": {"version": 2}}
    assert ("does not pass the gates" in message(world)) == (overruled or served == 1)


def test_many_gates_are_told_in_part(world: World) -> None:
    world.put(MODELS, model(gates=MANY))
    pinned(world, 2)
    assert "g2: balanced_accuracy is 0.5" in message(world)
    assert "g3" not in message(world)
    assert "; and 2 gates more; pin another version" in message(world)


@pytest.mark.parametrize("ref", [{"version": 1}, {"alias": "champion"}], ids=["named", "champion"])
def test_what_serves_when_the_gates_change_serves_on_and_tells_it(world: World, ref: dict[str, Any]) -> None:
    deploy(world, modelRef={"name": "species", **ref})
    assert "gates" not in message(world)
    world.put(MODELS, model(gates=STRICT))
    world.settle()
    assert (ready(world), serves(world)) == (("True", "Serving"), (1, None))
    assert message(world) == (
        "version 1 serves on 2 of 2 replicas; version 1 does not pass the gates of Model 'species': strict: "
        "balanced_accuracy is 0.9, asked is at least 0.99"
    )
    # It also stays when a new pod template replaces its pods.
    deploy(world, modelRef={"name": "species", **ref}, podTemplate={"image": "mine:1"})
    rolled(world)
    assert (ready(world), serves(world)) == (("True", "Serving"), (1, None))
    world.status(MODEL_DEPLOYMENTS, "species", None)
    world.settle()
    assert (ready(world), serves(world)) == (("True", "Serving"), (1, None)), "a status that was lost changes nothing"


def test_a_candidate_that_has_begun_goes_on_when_the_gates_change(world: World) -> None:
    world.put(MODELS, model(gates=EASY, noWorseThanChampion=OFF, pin={"version": 1}))
    pinned(world, 2)
    assert (ready(world), serves(world)) == (("False", "RollingOut"), (1, 2))
    world.put(MODELS, model(gates=GATES, pin={"version": 1}))
    world.settle()
    assert serves(world) == (1, 2)
    assert "version 2 does not pass the gates" in message(world)
    rolled(world)
    assert (ready(world), serves(world)) == (("True", "Serving"), (2, None))
    # Another version was chosen meanwhile, so the gates are asked again.
    pinned(world, 1)
    rolled(world)
    pinned(world, 2)
    assert (ready(world), serves(world)) == (("False", "VersionNotApproved"), (1, None))


def test_gates_that_are_not_asked_yet_are_waited_for(world: World) -> None:
    world.put(MODELS, model(gates=EASY, noWorseThanChampion=OFF, pin={"version": 1}))
    world.put(MODEL_DEPLOYMENTS, deployment(modelRef={"name": "species", "version": 2}))
    world.run(Key(MODEL_DEPLOYMENTS, "team", "species"))
    assert (ready(world), serves(world)) == (("False", "VersionNotJudged"), (1, None))
    assert world.condition(MODEL_DEPLOYMENTS, "species", "Reconciling")[0] == "True"
    world.settle()
    assert serves(world) == (1, 2)


def test_the_challenger_is_whatever_is_newest(world: World) -> None:
    deploy(world, modelRef={"name": "species", "alias": "challenger"})
    rolled(world)
    assert (ready(world), serves(world)) == (("True", "Serving"), (2, None))
    assert "version 2 does not pass the gates of Model 'species': good" in message(world)


def test_the_same_number_of_another_model_is_not_what_serves(world: World) -> None:
    world.put(MODELS, model("island", gates=GATES))
    train(world, "poor", 0.5, of="island")
    deploy(world, modelRef={"name": "island", "version": 1})
    assert ready(world) == ("False", "VersionNotApproved")
    assert "Model 'island'" in message(world)
    assert world.one(DEPLOYMENTS)["metadata"]["labels"]["modelyard.dev/modelversion"] == "species-v1"
    train(world, "fine", 0.9, of="island")
    pods = world.one(DEPLOYMENTS)["spec"]
    deploy(world, modelRef={"name": "island", "version": 2})
    assert serves(world) == (1, 2)
    assert world.all(DEPLOYMENTS)[0]["spec"] == pods, "while the new ones come, the old ones stay another Model's"
    rolled(world)
    assert (ready(world), serves(world)) == (("True", "Serving"), (2, None))


def test_nothing_serves_where_the_first_version_is_refused() -> None:
    world = with_model()
    train(world, "bad", 0.5)
    pinned(world, 1)
    assert (ready(world), serves(world)) == (("False", "VersionNotApproved"), (None, None))
    assert not world.all(DEPLOYMENTS)
    assert message(world).endswith("spec.pin.version: 1")
    pinned(world, 1, suspend=True)
    assert world.condition(MODEL_DEPLOYMENTS, "species", "Suspended")[0] == "True"
