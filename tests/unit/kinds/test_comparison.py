"""Checks that a version follows a champion only with its signature, and if it is no worse on its own held-out rows."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Result
from modelyard.engine.resource import (
    DATASET_VERSIONS,
    DATASETS,
    JOBS,
    MODEL_DEPLOYMENTS,
    MODEL_VERSIONS,
    MODELS,
    Object,
)
from modelyard.kinds.modelversion.gates import no_worse
from modelyard_api.kinds.model import NoWorseThanChampion
from modelyard_api.kinds.modelversion import Comparison
from modelyard_api.wire.task import EvaluateTask
from tests.unit.kinds.objects import (
    SIGNATURE,
    active,
    complete,
    dataset,
    evaluate_result,
    fail,
    failed,
    imported,
    ingest_result,
    model,
    pod,
    put_data,
    task_of,
    train_result,
)
from tests.unit.kinds.test_model import GATES, aliases, available, train, with_model
from tests.unit.kinds.test_modeldeployment import deploy, ready, rolled, serves
from tests.unit.kinds.test_trainingrun import job_of, start
from tests.unit.kinds.world import World

TEXT = SIGNATURE | {"inputs": [{"name": "x", "datatype": "BYTES"}]}
SECOND = "species-v2"
PROMOTE = """kubectl patch model species -n team --type=merge -p '{"spec":{"pin":{"version":2}}}'"""


@pytest.fixture
def world() -> World:
    """Returns a world in which version 1 is champion, and the Dataset then has other rows."""
    world = with_model()
    train(world, "may")
    assert aliases(world) == {"champion": 1}
    return world


def new_rows(world: World, content: str = "june") -> None:
    put_data(world, content)
    world.put(DATASETS, dataset(checkEvery="1m"))
    world.tick(60)
    (job,) = (job for job in world.all(JOBS) if is_active(job) and job["metadata"]["name"].startswith("penguins-"))
    complete(world, job, ingest_result(job, content))
    world.settle()


def is_active(job: Object) -> bool:
    return not (job.get("status") or {}).get("conditions")


def june(world: World, accuracy: float = 0.9, **more: Any) -> None:
    """Trains a version with this accuracy, and this change of its result."""
    start(world, "june", modelRef={"name": "species"})
    complete(world, job_of(world, "june"), train_result(job_of(world, "june"), accuracy, **more))
    world.settle()


def comparing(world: World) -> Object:
    """Returns the Job that scores the champion on the rows of another version."""
    (job,) = (job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"])
    return job


def approved(world: World, name: str = SECOND) -> tuple[str, str, str]:
    return world.condition(MODEL_VERSIONS, name, "Approved")


# --- no better than a constant answer ------------------------------------------------------------------------------


def test_a_model_that_learnt_nothing_does_not_follow_a_champion_that_is_as_bad(world: World) -> None:
    world.put(MODELS, model())
    world.settle()
    june(world, 0.97, baseline=0.97)
    status, reason, message = approved(world)
    assert (status, reason) == ("False", "GateFailed")
    told = "balanced_accuracy is 0.97, no better than the 0.97 of always answering the most frequent class"
    assert message == f"NoWorseThanChampion: {told}"
    assert aliases(world) == {"champion": 1, "challenger": 2}
    assert told in world.condition(MODELS, "species", "ChampionAvailable")[2]
    world.put(MODELS, model(noWorseThanChampion={"enabled": False}))
    world.settle()
    assert aliases(world)["champion"] == 2


def test_a_model_that_is_better_than_its_baseline_follows(world: World) -> None:
    june(world, 0.97, baseline=0.33)
    assert aliases(world) == {"champion": 2}


# --- another signature ----------------------------------------------------------------------------------------------


def test_another_signature_is_not_promoted_and_names_the_column_with_both_types(world: World) -> None:
    june(world, signature=TEXT)
    status, reason, message = approved(world)
    assert (status, reason) == ("False", "SignatureChanged")
    assert message.startswith("input 'x' is BYTES, was FP32, compared with the champion, version 1: ")
    assert message.endswith(PROMOTE)
    assert world.condition(MODEL_VERSIONS, SECOND)[:2] == ("True", "Verified"), "it may be pinned"
    assert aliases(world) == {"champion": 1, "challenger": 2}
    assert available(world) == ("True", "ChallengerNotApproved")
    told = world.condition(MODELS, "species", "ChampionAvailable")[2]
    assert "version 2 is not promoted: SignatureChanged since version 1: input 'x' is BYTES, was FP32" in told
    assert ("Model/species", "ChallengerNotApproved", told) in world.notes


def test_a_person_may_pin_another_signature_and_the_next_is_compared_with_it(world: World) -> None:
    june(world, signature=TEXT)
    world.put(MODELS, model(gates=GATES, pin={"version": 2}))
    world.settle()
    assert aliases(world) == {"champion": 2}
    promoted = [message for _, reason, message in world.notes if reason == "Promoted"]
    assert promoted[-1] == (
        "version 2 is champion, by Pin; before: 1. Clients of the alias have to follow: input 'x' is BYTES, was FP32"
    )
    world.put(MODELS, model(gates=GATES))
    start(world, "july", modelRef={"name": "species"})
    complete(world, job_of(world, "july"), train_result(job_of(world, "july"), signature=TEXT))
    world.settle()
    assert aliases(world) == {"champion": 3}


def test_a_deployment_does_not_serve_another_signature_by_its_number(world: World) -> None:
    deploy(world)
    rolled(world)
    june(world, signature=TEXT)
    deploy(world, modelRef={"name": "species", "version": 2})
    assert (ready(world), serves(world)) == (("False", "VersionNotApproved"), (1, None))
    assert "input 'x' is BYTES, was FP32" in world.condition(MODEL_DEPLOYMENTS, "species")[2]


def test_a_rollout_of_another_signature_is_told(world: World) -> None:
    deploy(world)
    rolled(world)
    june(world, signature=TEXT)
    world.put(MODELS, model(gates=GATES, pin={"version": 2}))
    world.settle()
    told = "clients of version 1 have to follow: input 'x' is BYTES, was FP32"
    assert ready(world) == ("False", "RollingOut")
    assert told in world.condition(MODEL_DEPLOYMENTS, "species")[2]
    assert any(reason == "RollingOut" and told in message for _, reason, message in world.notes)
    rolled(world)
    assert told not in world.condition(MODEL_DEPLOYMENTS, "species")[2]


def test_an_import_with_another_signature_is_not_promoted(world: World) -> None:
    world.put(MODEL_VERSIONS, imported(2, data=world.status_of(DATASETS, "penguins")["latest"]))
    world.settle()
    complete(world, comparing(world), evaluate_result(comparing(world), signature=TEXT))
    world.settle()
    assert approved(world)[:2] == ("False", "SignatureChanged")
    assert aliases(world) == {"champion": 1, "challenger": 2}


# --- no worse than the champion -------------------------------------------------------------------------------------


def test_the_same_rows_take_no_pod(world: World) -> None:
    june(world, 0.86)
    status, reason, message = approved(world)
    assert (status, reason) == ("False", "GateFailed")
    assert message == (
        "NoWorseThanChampion: balanced_accuracy is 0.86, that of the champion, version 1, on the same rows is 0.9; "
        "asked is at least 0.882 (tolerance 0.02)"
    )
    assert aliases(world) == {"champion": 1, "challenger": 2}
    assert not [job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"]]
    world.put(MODELS, model(gates=GATES, noWorseThanChampion={"tolerance": 0.05}))
    world.settle()
    assert aliases(world) == {"champion": 2}
    gate = world.status_of(MODEL_VERSIONS, SECOND)["gates"][-1]
    assert (gate["name"], gate["passed"]) == ("NoWorseThanChampion", True)


@pytest.mark.parametrize(("of_champion", "champion"), [(0.9, 1), (0.7, 2)])
def test_other_rows_score_the_champion_on_them(world: World, of_champion: float, champion: int) -> None:
    new_rows(world)
    june(world, 0.82)
    job, version = comparing(world), world.get(MODEL_VERSIONS, SECOND)
    task, first = task_of(job, EvaluateTask), world.get(MODEL_VERSIONS, "species-v1")
    assert task.artifact_digest == first["spec"]["artifact"]["digest"]
    assert task.data.name == version["spec"]["lineage"]["datasetVersion"] != first["spec"]["lineage"]["datasetVersion"]
    assert task.challenger is not None
    assert task.challenger.artifact_digest == version["spec"]["artifact"]["digest"]
    assert task.trained_on is not None
    assert task.trained_on.name == first["spec"]["lineage"]["datasetVersion"]
    assert approved(world)[:2] == ("False", "Comparing")
    assert (aliases(world)["champion"], available(world)) == (1, ("True", "Promoted"))
    active(world, job)
    world.settle()
    assert approved(world)[2].startswith(f"Job {job['metadata']['name']} scores the champion, version 1, on penguins-")
    complete(world, job, evaluate_result(job, of_champion))
    world.settle()
    assert aliases(world)["champion"] == champion
    assert world.status_of(MODEL_VERSIONS, SECOND)["comparison"]["metrics"] == {"balanced_accuracy": of_champion}


def test_scoring_a_former_champion_stops_when_another_is_pinned(world: World) -> None:
    new_rows(world)
    june(world, 0.82)
    active(world, comparing(world))
    world.put(MODELS, model(gates=GATES, pin={"version": 2}))
    world.settle()
    assert aliases(world)["champion"] == 2
    assert not [job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"]]
    assert world.condition(MODEL_VERSIONS, SECOND)[0] == "True"


def test_both_count_on_the_rows_that_the_champion_has_not_seen(world: World) -> None:
    new_rows(world)
    june(world, 0.82)
    result = evaluate_result(comparing(world), 0.9, challengerMetrics={"balanced_accuracy": 0.91}, rows=12)
    complete(world, comparing(world), result)
    world.settle()
    assert aliases(world) == {"champion": 2}
    assert world.status_of(MODEL_VERSIONS, SECOND)["gates"][-1]["message"] == (
        "balanced_accuracy is 0.91, that of the champion, version 1, on the same 12 rows is 0.9; "
        "asked is at least 0.882 (tolerance 0.02)"
    )


def test_nothing_is_scored_again_for_a_changed_gate_a_lost_status_or_a_deleted_job(world: World) -> None:
    new_rows(world)
    june(world, 0.82)
    complete(world, comparing(world), evaluate_result(comparing(world), 0.9))
    world.settle()
    before = world.status_of(MODEL_VERSIONS, SECOND)
    world.delete(JOBS, comparing(world)["metadata"]["name"])
    world.status(MODEL_VERSIONS, SECOND, None)
    world.settle()
    assert world.status_of(MODEL_VERSIONS, SECOND) == before
    world.status(MODELS, "species", None)
    world.settle()
    assert aliases(world) == {"champion": 1, "challenger": 2}, "a lost champion is no reason to promote the worse"
    world.put(MODELS, model(gates=GATES, noWorseThanChampion={"enabled": False}))
    world.settle()
    assert aliases(world) == {"champion": 2}
    assert all(count == 1 for count in world.created.values())


def test_a_pod_that_does_not_start_is_told_by_the_version_and_its_model(world: World) -> None:
    new_rows(world)
    june(world)
    job = comparing(world)
    active(world, job, ready=0)
    cause = "0/2 nodes are available: 2 Insufficient memory."
    unschedulable = [{"type": "PodScheduled", "status": "False", "message": cause}]
    world.pods[job["metadata"]["uid"]] = [pod(job, conditions=unschedulable)]
    world.tick(21)
    assert approved(world)[:2] == ("False", "Unschedulable")
    assert world.condition(MODEL_VERSIONS, SECOND)[:2] == ("True", "Verified")
    for message in (approved(world)[2], world.condition(MODELS, "species", "ChampionAvailable")[2]):
        assert job["metadata"]["name"] in message
        assert cause in message


def test_what_fails_another_gate_is_not_compared(world: World) -> None:
    new_rows(world)
    june(world, 0.5)
    assert approved(world)[1] == "GateFailed"
    assert [gate["name"] for gate in world.status_of(MODEL_VERSIONS, SECOND)["gates"]] == ["good"]
    assert not [job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"]]


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (failed("ArtifactMissing", "there is nothing at mlflow-artifacts:/x"), "ArtifactMissing: there is nothing at"),
        ({"kind": "Evaluate"}, "ResultUnreadable"),
    ],
)
def test_what_can_not_be_compared_is_not_promoted_and_says_why(world: World, result: Object, says: str) -> None:
    new_rows(world)
    june(world)
    fail(world, comparing(world), result)
    world.settle()
    status, reason, message = approved(world)
    assert (status, reason) == ("False", "NotJudged")
    assert message.startswith("NoWorseThanChampion: not judged: the champion, version 1, was not scored")
    assert says in message
    assert PROMOTE in message
    assert "spec.noWorseThanChampion.enabled: false" in message
    assert available(world) == ("True", "ChallengerNotApproved")
    world.delete(JOBS, comparing(world)["metadata"]["name"])
    world.results = {uri: item for uri, item in world.results.items() if "champions" not in uri}
    world.settle()
    complete(world, comparing(world), evaluate_result(comparing(world)))
    world.settle()
    assert aliases(world) == {"champion": 2}


def test_rows_that_are_gone_are_told_and_waited_for(world: World) -> None:
    new_rows(world)
    start(world, "june", modelRef={"name": "species"})
    job = job_of(world, "june")
    name = world.status_of(DATASETS, "penguins")["latest"]
    kept = world.get(DATASET_VERSIONS, name)
    complete(world, job, train_result(job))
    world.delete(DATASETS, "penguins", cascade=False, force=True)
    world.delete(DATASET_VERSIONS, name, force=True)
    world.settle()
    assert approved(world)[:2] == ("False", "NotJudged")
    assert f"there is no DatasetVersion '{name}' any more" in approved(world)[2]
    world.put(DATASET_VERSIONS, kept)
    world.settle()
    assert approved(world)[1] == "Comparing"


def test_a_store_that_is_away_is_waited_for_and_the_version_stays_ready(world: World) -> None:
    new_rows(world)
    june(world)
    world.down.add(Result)
    complete(world, comparing(world), evaluate_result(comparing(world)))
    world.settle()
    assert world.condition(MODEL_VERSIONS, SECOND)[:2] == ("True", "Verified")
    assert approved(world)[1] == "Comparing"
    world.down.clear()
    world.tick(10)
    assert aliases(world) == {"champion": 2}


def test_a_deleted_champion_is_no_measure_any_more(world: World) -> None:
    june(world, 0.82)
    assert aliases(world)["champion"] == 1
    world.delete(MODEL_VERSIONS, "species-v1")
    world.settle()
    assert aliases(world) == {"champion": 2}


def test_another_champion_is_another_comparison(world: World) -> None:
    train(world, "best", 0.99)
    train(world, "middle", 0.95)
    assert aliases(world) == {"champion": 2, "challenger": 3}
    world.put(MODELS, model(gates=GATES, pin={"version": 1}))
    world.settle()
    assert world.status_of(MODEL_VERSIONS, "species-v3")["comparison"]["champion"] == 1
    assert approved(world, "species-v3")[:2] == ("True", "GatesPassed")


@pytest.mark.parametrize(
    ("task", "metric", "value", "base", "tolerance", "passed", "says"),
    [
        ("Classification", None, 0.88, 0.9, 0.02, False, "balanced_accuracy is 0.88"),
        ("Classification", None, 0.882, 0.9, 0.02, True, "at least 0.882"),
        ("Classification", "log_loss", 0.31, 0.3, 0.02, False, "asked is at most 0.306"),
        ("Classification", "log_loss", 0.3, 0.3, 0, True, "asked is at most 0.3"),
        ("Regression", None, 101, 100, 0.02, True, "root_mean_squared_error is 101"),
        ("Regression", None, 103, 100, 0.02, False, "asked is at most 102"),
        ("Regression", "r2", -1.01, -1.0, 0.02, True, "asked is at least -1.02"),
        (
            "Classification",
            None,
            None,
            0.9,
            0.02,
            False,
            "not judged: balanced_accuracy was not scored of this version",
        ),
        ("Classification", None, 0.9, None, 0.02, False, "was not scored of the champion, version 1"),
        ("Classification", None, float("nan"), 0.9, 0.02, False, "is nan"),
    ],
)
def test_no_worse(
    task: str, metric: str | None, value: float | None, base: float | None, tolerance: float, passed: bool, says: str
) -> None:
    gate = NoWorseThanChampion(metric=metric, tolerance=tolerance)  # type: ignore[arg-type]
    name = metric or ("balanced_accuracy" if task == "Classification" else "root_mean_squared_error")
    comparison = Comparison(champion=1, metrics={} if base is None else {name: base})
    result = no_worse(gate, task, {} if value is None else {name: value}, comparison)
    assert result.passed is passed
    assert says in result.message
    assert len(result.message) <= 256
