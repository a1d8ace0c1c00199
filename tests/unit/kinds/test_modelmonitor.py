"""Checks a ModelMonitor: what it waits for, when it looks and at which pods, and what it says of a window."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Page, PodsWith, Result
from modelyard.engine.resource import DATASET_VERSIONS, MODEL_DEPLOYMENTS, MODEL_MONITORS, MODEL_VERSIONS, Key, Object
from modelyard_api.wire.sketches import Column, Sketches, write
from tests.unit.judgement.samples import numbers, texts
from tests.unit.kinds.objects import meta
from tests.unit.kinds.test_model import train
from tests.unit.kinds.test_modeldeployment import deploy, rolled, served
from tests.unit.kinds.world import START, World

NAME, SELECTOR = "watch", "modelyard.dev/modeldeployment=species,modelyard.dev/version={}"
CALM, MOVED = [float(item) for item in range(1, 200)], [float(item) + 100 for item in range(1, 200)]
LABELS = {"no": 133, "yes": 66}


def monitor(**spec: Any) -> Object:
    base = {"deploymentRef": {"name": "species"}, "window": {"length": "10m", "minRows": 100}}
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "ModelMonitor", **meta(NAME), "spec": base | spec}


def columns(values: list[float], labels: dict[str, int]) -> tuple[Column, ...]:
    return numbers(values, "x", "Input"), texts(labels, "label", "Output")


def document(version: str, rows: int, *parts: Column) -> bytes:
    return write(Sketches("species", version, version, 0.0, 0.0, rows, parts))


def version(world: World, number: int = 1) -> Object:
    return world.get(MODEL_VERSIONS, f"species-v{number}")


def profiled(world: World, number: int = 1) -> None:
    """Stores what ingest and training leave beside the rows and beside the model."""
    spec = version(world, number)["spec"]
    data = world.get(DATASET_VERSIONS, spec["lineage"]["datasetVersion"])
    profile, answers = columns(CALM, LABELS)
    world.results[data["status"]["profile"]["uri"]] = json.loads(document("", 199, profile))
    world.results[f"{spec['artifact']['uri']}/profile.json"] = json.loads(document("", 199, answers))


def pod(number: int, name: str = "a", restarts: int = 0, began: str = "2026-01-05T11:00:00Z") -> Object:
    container = {"name": "server", "restartCount": restarts, "state": {"running": {"startedAt": began}}}
    status = {"phase": "Running", "podIP": f"10.0.{number}.{ord(name) - 96}", "containerStatuses": [container]}
    return {"metadata": {"name": f"species-v{number}-{name}"}, "status": status}


def pages(world: World, pods: Iterable[Object], values: list[float], labels: dict[str, int], number: int = 1) -> None:
    """Lets the pods of a version answer for the newest window of ten minutes; more pods see the same again."""
    end = int((world.now - timedelta(seconds=3)).timestamp()) // 600 * 600
    known = list(pods)
    world.serving[SELECTOR.format(number)] = known
    digest = version(world, number)["spec"]["artifact"]["digest"]
    for item in known:
        url = f"http://{item['status']['podIP']}:8080/v2/models/species/sketches?since={end - 600}&until={end}"
        world.pages[url] = document(digest, len(values), *columns(values, labels))


def look(world: World, values: list[float] = CALM, labels: dict[str, int] = LABELS, number: int = 1) -> None:
    """Lets ten minutes pass in which one pod answers, then lets the monitor look."""
    world.now += timedelta(minutes=10)
    pages(world, [pod(number)], values, labels, number)
    world.settle()


def said(world: World, type_: str = "Ready") -> tuple[str, str]:
    return world.condition(MODEL_MONITORS, NAME, type_)[:2]


def both(world: World) -> tuple[tuple[str, str], tuple[str, str]]:
    return said(world, "InputsStable"), said(world, "OutputsStable")


def message(world: World, type_: str = "InputsStable") -> str:
    return world.condition(MODEL_MONITORS, NAME, type_)[2]


def status(world: World) -> Object:
    return world.status_of(MODEL_MONITORS, NAME)


def watching(**spec: Any) -> World:
    """Returns a world in which a served version is watched, at ten seconds past the hour."""
    world = served()
    world.now = START + timedelta(hours=1, seconds=10)
    profiled(world)
    pages(world, [pod(1)], CALM, LABELS)
    world.put(MODEL_MONITORS, monitor(**spec))
    world.settle()
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a ModelMonitor has become Ready, and its name."""
    return watching(), NAME


def test_a_window_like_the_training_data_is_stable() -> None:
    world = watching()
    assert (said(world), *both(world)) == (("True", "Watching"), ("True", "Stable"), ("True", "Stable"))
    window = {"from": "2026-01-05T12:50:00Z", "to": "2026-01-05T13:00:00Z", "rows": 199, "pods": 1, "lost": 0}
    assert (status(world)["window"], status(world)["looks"], status(world)["alarms"]) == (window, 1, 0)
    assert {(item["name"], item["role"], item["proven"]) for item in status(world)["columns"]} == {
        ("x", "Input", False),
        ("label", "Output", False),
    }


def test_a_shifted_input_is_named_in_its_own_units_until_a_window_is_as_before() -> None:
    world = watching()
    look(world, MOVED)
    assert (said(world), *both(world)) == (("True", "Watching"), ("False", "Shifted"), ("True", "Stable"))
    assert "x: median 100 in the reference, median 200 now (shift 0.503, limit 0.3" in message(world)
    assert "(199 rows, 199 of penguins-" in message(world)
    assert status(world)["columns"][0] | {"limit": 0} == {
        "name": "x", "role": "Input", "shift": 0.5025, "proven": True, "limit": 0,
        "was": "median 100", "is": "median 200",
    }  # fmt: skip
    assert ("ModelMonitor/watch", "Shifted") in [note[:2] for note in world.notes]
    look(world)
    assert (both(world)[0], status(world)["looks"], status(world)["alarms"]) == (("True", "Stable"), 3, 1)


def test_shifted_answers_are_told_apart_from_inputs() -> None:
    world = watching()
    look(world, labels={"no": 20, "yes": 179})
    assert both(world) == (("True", "Stable"), ("False", "Shifted"))
    assert "label: 'no' 0.668 of it in the reference, 'no' 0.101 of it now" in message(world, "OutputsStable")


def test_it_looks_once_at_each_window() -> None:
    world = watching()
    before = world.read.copy()
    world.tick(300)
    assert world.read == before
    plan = world.run(Key(MODEL_MONITORS, "team", NAME))
    assert plan is not None
    assert plan.after == START + timedelta(hours=1, minutes=10, seconds=3)
    look(world)
    assert status(world)["looks"] == 2


def test_a_restarted_operator_goes_on_where_it_was() -> None:
    world = watching()
    world.restart()
    world.settle()
    assert status(world)["looks"] == 1
    look(world, MOVED)
    assert (status(world)["looks"], both(world)[0]) == (2, ("False", "Shifted"))


def test_windows_that_nobody_looked_at_are_counted() -> None:
    world = watching()
    world.now += timedelta(minutes=20)
    look(world)
    assert (status(world)["looks"], status(world)["missed"]) == (2, 2)


def test_pods_are_merged() -> None:
    world = watching()
    world.now += timedelta(minutes=10)
    pages(world, [pod(1, "a"), pod(1, "b")], CALM, LABELS)
    world.settle()
    assert (status(world)["window"]["rows"], status(world)["window"]["pods"]) == (398, 2)


@pytest.mark.parametrize("way", ["restarted", "ended", "silent"])
def test_lost_rows_are_told(way: str) -> None:
    world = watching()
    world.now += timedelta(minutes=10)
    before, after = timestamp(world.now - timedelta(hours=1)), timestamp(world.now - timedelta(minutes=5))
    pages(world, [pod(1, "b", 1, after if way == "restarted" else before)], CALM, LABELS)
    others = {"restarted": [pod(1, "a")], "ended": [], "silent": [pod(1, "a")]}[way]
    if way == "restarted":
        pages(world, [pod(1, "a"), pod(1, "b", 1, after)], CALM, LABELS)
    world.serving[SELECTOR.format(1)] = [*others, pod(1, "b", 1, after if way == "restarted" else before)]
    world.settle()
    assert status(world)["window"]["lost"] == 1
    assert "; rows of 1 pod that restarted, ended or did not answer are missing" in message(world)


@pytest.mark.parametrize(("values", "labels", "reason"), [(CALM[:50], {"no": 50}, "TooFewRows"), ([], {}, "NoTraffic")])
def test_what_says_nothing_is_unknown(values: list[float], labels: dict[str, int], reason: str) -> None:
    world = watching()
    look(world, MOVED)
    look(world, values, labels)
    assert (said(world), *both(world)) == (("True", "Watching"), ("Unknown", reason), ("Unknown", reason))
    assert (status(world)["looks"], status(world)["alarms"]) == (3, 1)


def test_pods_that_do_not_answer_are_no_silence() -> None:
    world = watching()
    world.tick(600)
    assert both(world)[0] == ("Unknown", "PodsUnavailable")
    world.serving.clear()
    world.tick(600)
    assert both(world)[0] == ("Unknown", "NoTraffic")
    assert "1 pod that restarted, ended or did not answer" in message(world)


def test_a_new_version_has_a_new_reference() -> None:
    world = watching()
    look(world, MOVED)
    train(world, "b")
    rolled(world)
    profiled(world, 2)
    look(world, number=2)
    assert (status(world)["modelVersion"], *both(world)) == ("species-v2", ("True", "Stable"), ("True", "Stable"))
    assert {need.selector for need in world.read if isinstance(need, PodsWith)} >= {SELECTOR.format(2)}


def test_a_version_that_has_just_begun_is_not_judged_by_its_predecessor() -> None:
    world = watching()
    look(world, MOVED)
    train(world, "b")
    rolled(world)
    profiled(world, 2)
    world.settle()
    assert both(world) == (("Unknown", "NoTraffic"), ("Unknown", "NoTraffic"))


def test_answers_of_an_imported_model_have_no_reference() -> None:
    world = watching()
    del world.results[f"{version(world)['spec']['artifact']['uri']}/profile.json"]
    look(world, MOVED)
    assert (said(world), *both(world)) == (("True", "Watching"), ("False", "Shifted"), ("Unknown", "NoReference"))


def test_excluded_inputs_are_not_compared_and_mistaken_names_are_told() -> None:
    world = watching(inputs={"exclude": ["x"]})
    assert both(world) == (("Unknown", "NothingCompared"), ("True", "Stable"))
    world.put(MODEL_MONITORS, monitor(inputs={"exclude": ["z"]}))
    world.settle()
    assert (both(world)[0], "spec.inputs.exclude: no input z" in message(world)) == (("True", "Stable"), True)


def test_no_pods_but_those_of_the_stable_version_are_asked() -> None:
    world = watching()
    deploy(world, rollout={"strategy": "BlueGreen"})
    train(world, "b")
    world.read.clear()
    look(world, MOVED)
    asked = [need.url for need in world.read if isinstance(need, Page)]
    assert (len(asked), "http://10.0.1.1:8080" in asked[0]) == (1, True)


def _without_rows(world: World) -> None:
    world.delete(DATASET_VERSIONS, version(world)["spec"]["lineage"]["datasetVersion"], force=True)


def _without_deployment(world: World) -> None:
    world.delete(MODEL_DEPLOYMENTS, "species", force=True)


def _without_profile(world: World) -> None:
    name = version(world)["spec"]["lineage"]["datasetVersion"]
    state = {key: value for key, value in world.status_of(DATASET_VERSIONS, name).items() if key != "profile"}
    world.status(DATASET_VERSIONS, name, state)


def _without_document(world: World) -> None:
    for uri in [uri for uri in world.results if uri.endswith("/profile.json")]:
        world.results[uri] = None


@pytest.mark.parametrize(
    ("lack", "reason", "kind"),
    [
        (_without_deployment, "DeploymentNotFound", "Reconciling"),
        (_without_rows, "NoReference", "Stalled"),
        (_without_profile, "NoReference", "Stalled"),
        (_without_document, "NoReference", "Stalled"),
    ],
)
def test_without_a_reference_nothing_is_known(lack: Any, reason: str, kind: str) -> None:
    world = watching()
    lack(world)
    look(world, MOVED)
    assert (said(world), said(world, kind)) == (("False", reason), ("True", reason))
    assert both(world) == (("Unknown", reason), ("Unknown", reason))
    plan = world.run(Key(MODEL_MONITORS, "team", NAME))
    assert plan is not None
    assert plan.after is not None, "nobody wakes it for what its spec doesn't name"
    assert timedelta() < plan.after - world.now <= timedelta(minutes=10)


def test_it_waits_for_the_store() -> None:
    world = watching()
    world.down.add(Result)
    look(world, MOVED)
    reason = "ArtifactStoreUnavailable"
    assert (said(world), both(world)[0]) == (("False", reason), ("Unknown", reason))
    world.down.clear()
    world.tick(10)
    assert (said(world), both(world)[0]) == (("True", "Watching"), ("False", "Shifted"))


def test_another_dataset_version_may_be_the_reference() -> None:
    world = watching(reference={"datasetVersion": "absent"})
    assert said(world) == ("False", "DatasetVersionNotFound")
    name = version(world)["spec"]["lineage"]["datasetVersion"]
    world.put(MODEL_MONITORS, monitor(reference={"datasetVersion": name}))
    world.settle()
    assert (said(world), status(world)["reference"]) == (("True", "Watching"), name)


def test_the_dataset_version_that_it_names_is_not_deleted() -> None:
    world = watching()
    name = version(world)["spec"]["lineage"]["datasetVersion"]
    world.put(MODEL_MONITORS, monitor(reference={"datasetVersion": name}))
    world.settle()
    world.delete(DATASET_VERSIONS, name)
    world.settle()
    assert "ModelMonitor watch" in world.condition(DATASET_VERSIONS, name, "DeletionBlocked")[2]
    world.put(MODEL_MONITORS, monitor())
    world.settle()
    assert "ModelMonitor" not in world.condition(DATASET_VERSIONS, name, "DeletionBlocked")[2]


def test_suspended_it_does_not_look() -> None:
    world = watching(suspend=True)
    assert (said(world, "Suspended"), status(world)["looks"]) == (("True", "Suspended"), 0)
    world.put(MODEL_MONITORS, monitor())
    world.settle()
    assert (said(world), status(world)["looks"], status(world)["missed"]) == (("True", "Watching"), 1, 0)


def test_the_status_stays_small() -> None:
    """A thousand columns of long names that have all shifted, on a hundred and twenty pods."""
    world = watching()
    world.now += timedelta(minutes=10)
    wide = [replace(numbers(MOVED, "x", "Input"), name=f"{number:0128}") for number in range(1000)]
    profile = [replace(numbers(CALM, "x", "Input"), name=column.name) for column in wide]
    data = world.get(DATASET_VERSIONS, version(world)["spec"]["lineage"]["datasetVersion"])
    world.results[data["status"]["profile"]["uri"]] = json.loads(document("", 199, *profile))
    pages(world, [pod(1)], MOVED, LABELS)
    digest = version(world)["spec"]["artifact"]["digest"]
    (url,) = [url for url in world.pages if f"until={int(world.now.timestamp()) // 600 * 600}" in url]
    world.pages[url] = document(digest, 199, *wide)
    many = [pod(1) | {"metadata": {"name": f"species-v1-{number:040}"}} for number in range(120)]
    world.serving[SELECTOR.format(1)] = many
    world.settle()
    assert both(world)[0] == ("False", "Shifted")
    assert (len(status(world)["columns"]), len(status(world)["pods"])) == (10, 100)
    assert "and 997 more inputs" in message(world)
