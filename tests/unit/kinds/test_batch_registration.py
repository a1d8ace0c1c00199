"""Checks how tables of BatchPredictions are registered: in what order, once each, and whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import json

import pytest

from modelyard.engine.plan import Result
from modelyard.engine.resource import BATCH_PREDICTIONS, DATASET_VERSIONS, DATASETS, JOBS, Object
from tests.unit.kinds.objects import complete, dataset
from tests.unit.kinds.test_batchprediction import (
    end,
    job_of,
    latest,
    prediction,
    ready,
    result_of,
    start,
    status,
    versions,
    with_champion,
)
from tests.unit.kinds.test_pushed import pushed
from tests.unit.kinds.world import Died, World


@pytest.fixture
def world() -> World:
    return with_champion()


def test_a_table_that_breaks_the_rules_is_a_rejected_version_and_told_on_both(world: World) -> None:
    start(world)
    end(world)
    first = latest(world)
    world.put(DATASETS, pushed("scored", validation={"minRows": 99}))
    start(world, "again")
    end(world, "again")
    assert (latest(world), len(versions(world))) == (first, 2)
    rejected = status(world, "again")["outputs"]["datasetVersion"]
    assert world.condition(DATASET_VERSIONS, rejected)[1] == "ValidationFailed"
    state, reason, message = ready(world, "again")
    assert (state, reason) == ("False", "ValidationFailed")
    assert f"{rejected} breaks spec.validation: table: minRows, found 40 rows" in message
    assert world.condition(DATASETS, "scored", "SourceReadable") == ("False", "ValidationFailed", message)
    assert world.condition(DATASETS, "scored")[:2] == ("True", "VersionAccepted")
    assert status(world, "again")["phase"] == "Failed"


def test_a_first_table_that_breaks_the_rules_stalls_the_dataset(world: World) -> None:
    world.put(DATASETS, pushed("scored", validation={"minRows": 99}))
    start(world)
    end(world)
    assert world.condition(DATASETS, "scored")[:2] == ("False", "ValidationFailed")
    assert latest(world) is None


def two_at_once(world: World) -> None:
    start(world, "one")
    start(world, "two", output={"datasetRef": {"name": "scored"}, "keep": ["x"]})
    complete(world, job_of(world, "one"), result_of(world, "one"))
    complete(world, job_of(world, "two"), result_of(world, "two"))


def test_two_that_end_at_once_make_two_versions_in_their_order(world: World) -> None:
    two_at_once(world)
    world.settle()
    assert [ready(world, name)[1] for name in ("one", "two")] == ["Registered", "Registered"]
    assert len(versions(world)) == 2
    assert latest(world) == status(world, "two")["outputs"]["datasetVersion"]
    first = status(world, "one")["outputs"]["datasetVersion"]
    assert world.get(DATASET_VERSIONS, latest(world))["spec"]["parent"] == first


def test_the_same_answers_twice_are_one_version_and_latest_again(world: World) -> None:
    start(world, "one")
    end(world, "one")
    first = latest(world)
    start(world, "two", output={"datasetRef": {"name": "scored"}, "keep": ["x"]})
    end(world, "two")
    start(world, "three")
    end(world, "three")
    assert (latest(world), len(versions(world))) == (first, 2)
    assert status(world, "three")["outputs"]["datasetVersion"] == first


def test_a_lost_status_of_an_old_run_does_not_make_its_table_latest_again(world: World) -> None:
    start(world, "one")
    end(world, "one", endedAt="2026-01-05T12:00:00Z")
    start(world, "two", output={"datasetRef": {"name": "scored"}, "keep": ["x"]})
    end(world, "two", endedAt="2026-01-05T13:00:00Z")
    second = latest(world)
    world.status(BATCH_PREDICTIONS, "one", None)
    world.tick(60)
    assert ready(world, "one")[1] == "Registered"
    assert latest(world) == second


@pytest.mark.parametrize("change", ["", "name", "spec", "text"])
def test_what_a_backup_holds_of_a_run_that_has_ended_does_not_score_again(world: World, change: str) -> None:
    start(world)
    end(world)
    before, told = status(world), ready(world)
    annotations = dict(world.get(BATCH_PREDICTIONS, "scores")["metadata"]["annotations"])
    world.delete(BATCH_PREDICTIONS, "scores")
    if change == "text":
        annotations = dict.fromkeys(annotations, "{")
    name = "other" if change == "name" else "scores"
    restored = prediction(name, **({"maxBadRows": 7} if change == "spec" else {}))
    restored["metadata"]["annotations"] = annotations
    world.put(BATCH_PREDICTIONS, restored)
    world.settle()
    jobs = [job for job in world.all(JOBS) if "modelyard.dev/batchprediction" in job["metadata"]["labels"]]
    assert len(jobs) == bool(change)
    if not change:
        without = {key: value for key, value in status(world).items() if key != "conditions"}
        assert without == {key: value for key, value in before.items() if key != "conditions"}
        assert ready(world) == told


@pytest.mark.parametrize(
    "forged", [{"phase": "Running"}, {"resultURI": "mlflow-artifacts:/modelyard/others/uid/result.json"}]
)
def test_no_annotation_lets_a_run_tell_what_is_another_namespaces(world: World, forged: Object) -> None:
    start(world)
    end(world)
    meta = world.get(BATCH_PREDICTIONS, "scores")["metadata"]
    (key, text), *_ = ((key, text) for key, text in meta["annotations"].items() if text.startswith("{"))
    record = json.loads(text)
    record["status"] |= forged
    world.delete(BATCH_PREDICTIONS, "scores")
    copy = prediction()
    copy["metadata"]["annotations"] = {key: json.dumps(record)}
    world.put(BATCH_PREDICTIONS, copy)
    world.settle()
    assert status(world)["phase"] == "Pending", "it scores itself"
    assert "others" not in status(world)["resultURI"]
    end(world)
    assert json.loads(world.get(BATCH_PREDICTIONS, "scores")["metadata"]["annotations"][key])["status"] != record


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 15))
def test_it_comes_to_the_same_end_when_the_operator_dies_at(world: World, number: int, when: str) -> None:
    start(world, "zero")
    end(world, "zero")
    two_at_once(world)
    world.die_at = (world.writes + number, when)
    with contextlib.suppress(Died):
        world.settle()
    world.die_at = None
    world.restart()
    world.settle()
    assert [ready(world, name)[1] for name in ("one", "two")] == ["Registered", "Registered"]
    assert len(versions(world)) == 2
    assert latest(world) == status(world, "two")["outputs"]["datasetVersion"]
    assert all(count == 1 for count in world.created.values())


def test_a_run_that_is_deleted_just_after_its_end_holds_nothing_up(world: World) -> None:
    world.down.add(Result)
    two_at_once(world)
    world.settle()
    world.down.clear()
    world.delete(BATCH_PREDICTIONS, "one")
    world.tick(10)
    assert ready(world, "two")[1] == "Registered"
    assert latest(world) == status(world, "two")["outputs"]["datasetVersion"]


def test_a_dataset_that_is_made_anew_registers_what_waits_for_it(world: World) -> None:
    start(world, "old")
    end(world, "old")
    start(world)
    world.delete(DATASETS, "scored")
    end(world)
    assert ready(world)[:2] == ("False", "Registering")
    assert "there is no Dataset 'scored' any more; apply it" in ready(world)[2]
    world.put(DATASETS, pushed("scored"))
    world.settle()
    assert ready(world)[1] == "Registered"
    assert [item["metadata"]["name"] for item in versions(world)] == [latest(world)]
    assert ready(world, "old")[1] == "Registered", "what has ended stays so"


@pytest.mark.parametrize(("change", "says"), [({"suspend": True}, "suspended"), ({"source": None}, "pushed no more")])
def test_a_dataset_that_takes_no_table_is_waited_for(world: World, change: Object, says: str) -> None:
    start(world)
    other = dataset("scored", target=None) if "source" in change else pushed("scored", **change)
    world.put(DATASETS, other)
    end(world)
    assert ready(world)[1] == "Registering"
    assert says in ready(world)[2]
    world.put(DATASETS, pushed("scored"))
    world.settle()
    assert ready(world)[1] == "Registered"


def test_a_result_that_is_gone_is_said_and_holds_nothing_up(world: World) -> None:
    world.put(DATASETS, pushed("scored", suspend=True))
    world.put(DATASETS, pushed("scored"))
    world.settle()
    start(world)
    world.put(DATASETS, pushed("scored", suspend=True))
    end(world)
    world.results.pop(status(world)["resultURI"])
    world.put(DATASETS, pushed("scored"))
    world.settle()
    assert ready(world)[:2] == ("False", "ResultMissing")
    start(world, "next")
    end(world, "next")
    assert ready(world, "next")[1] == "Registered"
