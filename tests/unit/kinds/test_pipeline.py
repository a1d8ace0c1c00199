"""Checks a Pipeline: its triggers as levels, its limits, and that nothing starts twice."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelyard.engine.resource import DATASETS, JOBS, MODELS, PIPELINE_RUNS, PIPELINES, Key, Object, Resource
from modelyard_api.kinds.pipelinerun import CAUSE
from tests.unit.kinds.objects import at, complete, dataset, ingest_result, meta, model, put_data
from tests.unit.kinds.pipelines import (
    CHECK,
    applied,
    pipeline,
    pipeline_run,
    runs,
    train,
    trained,
    with_pipeline,
)
from tests.unit.kinds.test_trainingrun import accept, with_data
from tests.unit.kinds.world import Died, World

FRESH: Object = {"name": "fresh", "dataset": {"name": "penguins"}}
EVERY_MINUTE: Object = {"name": "often", "cron": {"schedule": "* * * * *"}}
NO_CHAMPION: Object = {"kind": "Model", "name": "species", "type": "ChampionAvailable", "status": "False"}


def done() -> tuple[World, str]:
    """Returns a world in which a Pipeline has become Ready, and its name."""
    return with_pipeline(triggers=[FRESH]), "species"


def status(world: World) -> Object:
    return world.status_of(PIPELINES, "species")


def ready(world: World) -> tuple[str, str, str]:
    return world.condition(PIPELINES, "species")


def trigger(world: World, name: str = "fresh") -> Object:
    return next(item for item in status(world)["triggers"] if item["name"] == name)


def new_version(world: World, content: str) -> str:
    world.tick(1)
    put_data(world, content)
    world.tick(5)
    return accept(world, content)


def cause(run: Object) -> Object:
    return dict(run["spec"]["trigger"]["cause"])


def notes(world: World, reason: str) -> list[str]:
    return [message for who, told, message in world.notes if (who, told) == ("Pipeline/species", reason)]


def test_a_new_version_starts_a_run_that_says_why() -> None:
    world, _ = done()
    (run,) = runs(world)
    latest = world.status_of(DATASETS, "penguins")["latest"]
    assert (cause(run)["kind"], cause(run)["name"], cause(run)["value"]) == ("Dataset", "penguins", latest)
    assert run["metadata"]["annotations"][CAUSE] == f"trigger fresh of Pipeline species: Dataset penguins, {latest}"
    assert run["metadata"]["ownerReferences"][0]["name"] == "species"
    assert run["spec"]["steps"] == world.get(PIPELINES, "species")["spec"]["steps"]
    started = f"PipelineRun {run['metadata']['name']}: {run['metadata']['annotations'][CAUSE]}"
    assert notes(world, "RunStarted") == [started]
    assert ready(world)[:2] == ("True", "Watching")
    assert (trigger(world)["used"], trigger(world)["run"]) == (latest, run["metadata"]["name"])
    assert (status(world)["lastRun"], status(world)["runs"]["running"]) == (run["metadata"]["name"], 1)
    trained(world)
    world.tick(3600)
    assert len(runs(world)) == 1, "a version is used once"
    assert status(world)["runs"] == {"running": 0, "succeeded": 1, "failed": 0}


def test_what_comes_while_a_run_is_on_is_one_run_that_names_it_all() -> None:
    world = with_data()
    world.put(DATASETS, dataset(checkEvery="5s"))
    world.settle()
    accept(world, "a")
    applied(world, triggers=[FRESH, {"name": "stale", "condition": NO_CHAMPION}])
    second, third = new_version(world, "b"), new_version(world, "c")
    world.put(MODELS, model())
    world.settle()
    assert len(runs(world)) == 1
    assert trigger(world)["pending"] == third
    assert "waits for the end of" in ready(world)[2]
    trained(world)
    _, run = runs(world)
    assert (cause(run)["value"], cause(run)["earlier"], cause(run)["earlierCount"]) == (third, [second], 1)
    assert [item["name"] for item in run["spec"]["covers"]] == ["stale"]
    told = run["metadata"]["annotations"][CAUSE]
    assert f"{third} (with 1 before it: {second}); it also covers stale: Model species" in told
    trained(world)
    world.tick(60)
    assert len(runs(world)) == 2


def test_data_that_are_again_what_they_were_start_no_second_run() -> None:
    world = with_data()
    world.put(DATASETS, dataset(checkEvery="5s"))
    world.settle()
    first = accept(world, "a")
    applied(world, triggers=[FRESH])
    trained(world)
    new_version(world, "b")
    trained(world)
    assert len(runs(world)) == 2
    assert new_version(world, "a") == first
    trained(world)
    assert (len(runs(world)), trigger(world)["used"]) == (2, first)


@pytest.mark.parametrize(("least", "starts"), [(20, True), (21, False)])
def test_few_new_rows_are_waited_with(least: int, starts: bool) -> None:
    world = with_data()
    world.put(DATASETS, dataset(checkEvery="5s"))
    world.settle()
    accept(world, "a")
    applied(world, triggers=[{"name": "fresh", "dataset": {"name": "penguins", "minNewRows": least}}])
    trained(world)
    world.tick(6)
    put_data(world, "b")
    world.tick(6)
    job = world.get(JOBS, world.status_of(DATASETS, "penguins")["job"])
    complete(world, job, ingest_result(job, "b", rows=120))
    world.settle()
    assert len(runs(world)) == 1 + starts
    if not starts:
        assert "has 20 rows more than the used one" in trigger(world)["message"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(1, 4))
def test_an_operator_that_dies_starts_no_second_run(write: int, when: str) -> None:
    world = with_pipeline(triggers=[EVERY_MINUTE])
    world.now = datetime(2026, 1, 5, 12, 1, 5, tzinfo=UTC)
    world.die_at = (world.writes + write, when)
    with pytest.raises(Died):
        world.settle()
    world.die_at = None
    world.restart()
    world.settle()
    assert len(runs(world)) == 1
    world.status(PIPELINES, "species", None)
    world.restart()
    trained(world)
    world.tick(10)
    assert len(runs(world)) == 1, "a lost status is read from the runs"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(1, 4))
def test_no_run_is_deleted_before_the_status_tells_what_it_has_used(write: int, when: str) -> None:
    world = with_pipeline(triggers=[FRESH])
    (run,) = runs(world)
    trained(world)
    world.put(PIPELINES, pipeline(triggers=[FRESH], retention={"succeeded": 0, "failed": 0}))
    world.status(PIPELINES, "species", None)
    world.die_at = (world.writes + write, when)
    with contextlib.suppress(Died):
        world.settle()
    world.die_at = None
    world.restart()
    world.settle()
    world.tick(60)
    assert (runs(world), world.created[PIPELINE_RUNS, "team", run["metadata"]["name"]]) == ([], 1)


def test_a_condition_starts_a_run_once_it_has_lasted() -> None:
    world = with_pipeline(triggers=[{"name": "stale", "condition": {**NO_CHAMPION, "for": "10m"}}])
    assert ready(world)[:2] == ("False", "ObjectNotFound")
    world.put(MODELS, model())
    world.settle()
    assert (ready(world)[1], runs(world)) == ("Watching", [])
    world.tick(599)
    assert runs(world) == []
    world.tick(1)
    (run,) = runs(world)
    assert (cause(run)["kind"], cause(run)["name"]) == ("Model", "species")
    trained(world)
    world.tick(86400)
    assert len(runs(world)) == 1, "it is still what it was"
    assert "again once it has changed and come back" in trigger(world, "stale")["message"]


def test_a_condition_that_stays_starts_another_run_if_it_is_to_repeat() -> None:
    condition = {**NO_CHAMPION, "for": "10m", "repeat": "1h"}
    world = with_pipeline(triggers=[{"name": "stale", "condition": condition}])
    world.put(MODELS, model())
    world.settle()
    world.tick(600)
    trained(world)
    world.tick(3599)
    assert len(runs(world)) == 1
    world.tick(1)
    assert len(runs(world)) == 2
    trained(world)
    world.tick(3 * 3600)
    assert len(runs(world)) == 3, "missed repeats are one run"


def test_a_condition_that_comes_back_starts_a_run_again() -> None:
    world = with_pipeline(triggers=[{"name": "no", "condition": {**NO_CHAMPION, "type": "Ready", "status": "True"}}])
    world.put(MODELS, model())
    world.settle()
    trained(world)
    for status_ in ("False", "True"):
        world.tick(60)
        current = world.status_of(MODELS, "species")
        item = next(item for item in current["conditions"] if item["type"] == "Ready")
        item |= {"status": status_, "lastTransitionTime": at(world)}
        world.status(MODELS, "species", current)
        for key in [key for key in world._keys() if key.resource == PIPELINES]:
            world.run(key)
    assert len(runs(world)) == 2


def test_a_monitor_that_says_that_inputs_have_shifted_starts_a_run() -> None:
    world = with_pipeline(triggers=[{"name": "shifted", "monitor": {"name": "watch", "for": "10m"}}])
    assert ready(world)[:2] == ("False", "ObjectNotFound")
    world.put(Resource.of("ModelMonitor"), {**meta("watch"), "spec": {"deploymentRef": {"name": "none"}}})
    shifted = {"type": "InputsStable", "status": "False", "reason": "InputsShifted", "message": "x"}
    item = {**shifted, "observedGeneration": 1, "lastTransitionTime": at(world)}
    world.status(Resource.of("ModelMonitor"), "watch", {"observedGeneration": 1, "conditions": [item]})
    world.now += timedelta(seconds=600)
    world.run(Key(PIPELINES, "team", "species"))
    assert (cause(runs(world)[0])["kind"], cause(runs(world)[0])["name"]) == ("ModelMonitor", "watch")


def test_limits_hold_runs_up() -> None:
    world = with_pipeline(triggers=[EVERY_MINUTE], limits={"cooldown": "3m"})
    world.tick(60)
    trained(world)
    world.tick(60)
    assert len(runs(world)) == 1
    assert "spec.limits.cooldown, 2026-01-05T12:04:00Z" in ready(world)[2]
    world.tick(120)
    assert len(runs(world)) == 2
    assert cause(runs(world)[1])["earlierCount"] == 2


def test_it_waits_until_nothing_more_comes() -> None:
    world = with_data()
    world.put(DATASETS, dataset(checkEvery="5s"))
    world.settle()
    accept(world, "a")
    applied(world, triggers=[FRESH, {"name": "late", "cron": {"schedule": "5 12 * * *"}}], settle="60s")
    assert runs(world) == []
    world.tick(50)
    latest = new_version(world, "b")
    world.tick(59)
    assert runs(world) == []
    world.tick(1)
    assert cause(runs(world)[0])["value"] == latest
    trained(world)
    world.now = datetime(2026, 1, 5, 12, 5, tzinfo=UTC)
    new_version(world, "c")
    assert len(runs(world)) == 2, "a schedule doesn't wait"
    assert runs(world)[1]["spec"]["trigger"]["name"] == "late"


def test_a_suspended_one_starts_what_has_come_once_it_goes_on() -> None:
    world = with_pipeline(triggers=[FRESH, EVERY_MINUTE], suspend=True)
    world.tick(300)
    assert (runs(world), world.condition(PIPELINES, "species", "Suspended")[0]) == ([], "True")
    applied(world, triggers=[FRESH, EVERY_MINUTE])
    (run,) = runs(world)
    assert run["spec"]["trigger"]["name"] == "fresh"
    assert [item["name"] for item in run["spec"]["covers"]] == ["often"]


def test_a_persons_run_is_waited_for_and_kept() -> None:
    world = with_pipeline(triggers=[EVERY_MINUTE], retention={"succeeded": 1, "failed": 0})
    world.put(PIPELINE_RUNS, pipeline_run())
    world.tick(60)
    assert len(runs(world)) == 1
    trained(world)
    assert len(runs(world)) == 2
    for _ in range(3):
        trained(world)
        world.tick(60)
    trained(world)
    assert "once" in {run["metadata"]["name"] for run in runs(world)}
    assert len(runs(world)) == 2, "the last of its own, and the person's"


@pytest.mark.parametrize(
    ("spec", "reason", "says"),
    [
        ({"triggers": [{"name": "t", "cron": {"schedule": "61 * * * *"}}]}, "ScheduleInvalid", "61 * * * *': Bad minu"),
        ({"triggers": [{"name": "t", "cron": {"schedule": "* * * * * *"}}]}, "ScheduleInvalid", "has not 5 fields"),
        ({"triggers": [{"name": "t", "cron": {"schedule": "0 0 31 2 *"}}]}, "ScheduleInvalid", "0 0 31 2 *"),
        (
            {"triggers": [{"name": "t", "cron": {"schedule": "0 0 * * *", "timeZone": "Mars/Base"}}]},
            "ScheduleInvalid",
            "timeZone: 'Mars/Base' is no time zone",
        ),
        (
            {"triggers": [{"name": "t", "condition": {**NO_CHAMPION, "kind": "Oracle"}}]},
            "UnknownKind",
            "there is no kind 'Oracle'; write one of Dataset,",
        ),
        (
            {"steps": [train(modelRef={"name": "$(steps.check.outputs.tree)"}), CHECK]},
            "UnknownName",
            "train].trainingRun.modelRef.name: $(steps.check.outputs.tree) names no output; step check has trees",
        ),
        ({"steps": [train(modelRef={"name": "$(steps.x.outputs.y)"})]}, "UnknownName", "names no step; there are tra"),
        (
            {"steps": [{"name": "c", "container": {"image": "a", "args": ["$(date)"]}}]},
            "UnknownName",
            "spec.steps[c].container.args[0]: $(date) is no placeholder",
        ),
        ({"steps": [train("a", ("b",)), train("b", ("a",))]}, "StepsInCycle", "spec.steps: a -> b -> a"),
    ],
)
def test_what_is_wrong_is_told(spec: Object, reason: str, says: str) -> None:
    world = with_pipeline(**spec)
    assert ready(world)[:2] == ("False", reason)
    assert says in ready(world)[2]
    assert (world.condition(PIPELINES, "species", "Stalled")[0], runs(world)) == ("True", [])


def test_a_missing_dataset_is_told_and_waited_for() -> None:
    world = World()
    applied(world, triggers=[FRESH])
    assert ready(world)[:2] == ("False", "DatasetNotFound")


def test_without_triggers_it_waits_for_people() -> None:
    world = with_pipeline()
    assert ready(world)[:2] == ("True", "Watching")
    assert "it has no triggers" in ready(world)[2]


def test_its_status_is_bounded() -> None:
    long: dict[str, Any] = {"kind": "ModelVersion", "name": "a" * 253, "type": "T" * 63, "status": "Unknown"}
    triggers = [{"name": f"{number}" + "t" * 19, "condition": long} for number in range(8)]
    world = World()
    world.put(PIPELINES, pipeline(triggers=triggers))
    world.settle()
    assert len(status(world)["triggers"]) == 8
