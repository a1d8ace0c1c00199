"""Checks with the real kstatus how GitOps tools judge objects that wait, fail, recover or are suspended."""

from __future__ import annotations

import pytest

from modelyard.engine.plan import Result
from modelyard.engine.resource import (
    DATASET_VERSIONS,
    DATASETS,
    DEPLOYMENTS,
    MODEL_DEPLOYMENTS,
    MODEL_MONITORS,
    MODEL_POOLS,
    MODEL_VERSIONS,
    MODELS,
    TRAINING_RUNS,
    Key,
    Object,
    Resource,
)
from tests.kinds import SAMPLES
from tests.unit.kinds import (
    packs,
    test_dataset,
    test_datasetversion,
    test_modeldeployment,
    test_modelmonitor,
    test_modelversion,
)
from tests.unit.kinds import test_trainingrun as test_run
from tests.unit.kinds.conftest import Witness
from tests.unit.kinds.objects import active, complete, dataset, fail, model, put_data, roll_out, run
from tests.unit.kinds.objects import train_result as result_of
from tests.unit.kinds.test_model import train, with_model
from tests.unit.kinds.world import NAMESPACE, World


def test_a_dataset_without_its_source_then_with_it_then_with_bad_data(witness: Witness) -> None:
    world = World()
    world.put(DATASETS, dataset())
    world.settle()
    assert witness.verdicts(DATASETS, "penguins") == ["InProgress", "Failed"]
    put_data(world, "a")
    world.tick(10)
    test_dataset.ingest(world)
    assert witness.verdicts(DATASETS, "penguins")[2:] == ["InProgress", "Current"]
    world.put(DATASETS, dataset(target="z"))
    world.settle()
    test_dataset.ingest(world, accepted=False, violations=[{"rule": "target", "found": "nothing"}])
    assert witness.verdicts(DATASETS, "penguins")[4:] == ["InProgress", "Failed"]


def test_a_rejected_dataset_version(witness: Witness) -> None:
    bad = test_datasetversion.result(accepted=False, violations=test_datasetversion.violations(1))
    test_datasetversion.judged(bad)
    assert witness.verdicts(DATASET_VERSIONS, test_datasetversion.NAME) == ["InProgress", "Failed"]


def test_a_dataset_version_whose_status_is_lost_while_the_store_is_away(witness: Witness) -> None:
    world = test_datasetversion.judged(test_datasetversion.result())
    world.down.add(Result)
    world.status(DATASET_VERSIONS, test_datasetversion.NAME, None)
    world.settle()
    assert witness.verdicts(DATASET_VERSIONS, test_datasetversion.NAME) == ["InProgress", "Current", "InProgress"]
    world.down.clear()
    world.tick(10)
    assert witness.verdicts(DATASET_VERSIONS, test_datasetversion.NAME)[3:] == ["Current"]


def test_a_training_run_that_fails(witness: Witness) -> None:
    world = test_run.with_data()
    test_run.start(world)
    active(world, test_run.job_of(world))
    world.settle()
    assert witness.verdicts(TRAINING_RUNS, "forest") == ["InProgress"]
    fail(world, test_run.job_of(world), exitCode=137, reason="OOMKilled")
    world.settle()
    assert witness.verdicts(TRAINING_RUNS, "forest") == ["InProgress", "Failed"]


def test_a_training_run_that_can_never_work_until_it_is_corrected(witness: Witness) -> None:
    world = test_run.with_data()
    test_run.start(world, objective="r2")
    assert witness.verdicts(TRAINING_RUNS, "forest") == ["InProgress", "Failed"]
    world.put(TRAINING_RUNS, run(objective="accuracy"))
    world.settle()
    assert witness.verdicts(TRAINING_RUNS, "forest")[2:] == ["InProgress"]


def test_a_training_run_registers_its_version_before_it_is_done(witness: Witness) -> None:
    world = test_run.with_data()
    world.put(MODELS, model())
    test_run.start(world, modelRef={"name": "species"})
    complete(world, test_run.job_of(world), result_of(test_run.job_of(world)))
    world.settle()
    assert witness.verdicts(TRAINING_RUNS, "forest") == ["InProgress", "Current"]
    assert witness.verdicts(MODEL_VERSIONS, "species-v1") == ["InProgress", "Current"]


def test_a_model_version_that_cannot_be_scored(witness: Witness) -> None:
    world = with_model()
    test_modelversion.put(world)
    fail(world, test_modelversion.job_of(world), exitCode=137, reason="OOMKilled")
    world.settle()
    assert witness.verdicts(MODEL_VERSIONS, test_modelversion.NAME) == ["InProgress", "Failed"]


def test_a_model_deployment_that_waits_is_stuck_and_rolls_out(witness: Witness) -> None:
    world = with_model()
    test_modeldeployment.deploy(world)
    assert witness.verdicts(MODEL_DEPLOYMENTS, "species") == ["InProgress"], "there is no champion"
    train(world, "a")
    roll_out(world, ready=0, conditions=test_modeldeployment.STUCK)
    world.settle()
    assert witness.verdicts(MODEL_DEPLOYMENTS, "species") == ["InProgress", "Failed"]
    test_modeldeployment.rolled(world)
    assert witness.verdicts(MODEL_DEPLOYMENTS, "species")[2:] == ["Current"]
    train(world, "b", 0.95)
    assert witness.verdicts(MODEL_DEPLOYMENTS, "species")[3:] == ["InProgress"]
    test_modeldeployment.rolled(world)
    assert witness.verdicts(MODEL_DEPLOYMENTS, "species")[3:] == ["InProgress", "Current"]


def test_a_model_pool_whose_pods_are_refused_at_first(witness: Witness) -> None:
    world = World()
    world.put(MODEL_POOLS, packs.pool())
    world.settle()
    child = world.get(DEPLOYMENTS, packs.CHILD)
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "no PriorityClass"}
    status = {"observedGeneration": child["metadata"]["generation"], "conditions": [failure]}
    world.status(DEPLOYMENTS, packs.CHILD, status)
    world.settle()
    assert witness.verdicts(MODEL_POOLS, packs.POOL) == ["InProgress", "Failed"]
    packs.Servers(world).settle()
    assert witness.verdicts(MODEL_POOLS, packs.POOL)[2:] == ["Current"]


def test_a_model_monitor_is_done_once_it_looks_whatever_it_sees(witness: Witness) -> None:
    world = test_modelmonitor.watching()
    assert witness.verdicts(MODEL_MONITORS, test_modelmonitor.NAME) == ["InProgress", "Current"]
    test_modelmonitor.look(world, test_modelmonitor.MOVED)
    assert test_modelmonitor.both(world)[0] == ("False", "Shifted")
    assert witness.verdicts(MODEL_MONITORS, test_modelmonitor.NAME)[-1] == "Current"


SUSPENDED: list[tuple[Resource, Object]] = [
    (Resource.of(sample.kind), sample.make({"suspend": True}, "other", NAMESPACE))
    for sample in SAMPLES.values()
    if "suspend" in sample.kind.model_fields["spec"].annotation.model_fields  # type: ignore[union-attr]
]
ONLY_SUSPENDED = {"Suspended": "True"}


def conditions_of(world: World, resource: Resource, name: str) -> dict[str, str]:
    return {item["type"]: item["status"] for item in world.status_of(resource, name)["conditions"]}


@pytest.mark.parametrize(("resource", "suspended"), SUSPENDED, ids=lambda value: getattr(value, "kind", ""))
def test_what_is_suspended_before_it_begins_is_current_and_never_ready(
    resource: Resource, suspended: Object, witness: Witness
) -> None:
    """As for a suspended Job, nobody waits for ever, and ``kubectl wait --for=condition=Ready`` does not succeed."""
    world = test_modeldeployment.served()
    world.put(resource, suspended)
    world.settle()
    world.tick(3600)
    assert conditions_of(world, resource, "other") == ONLY_SUSPENDED
    assert witness.verdicts(resource, "other") == ["InProgress", "Current"]


def test_a_suspended_dataset_keeps_ready_for_the_runs_that_train_on_it(witness: Witness) -> None:
    world = test_run.with_data()
    for suspend, expected in ((True, {"Ready": "True", **ONLY_SUSPENDED}), (False, {"Ready": "True"})):
        world.put(DATASETS, dataset(suspend=suspend))
        world.settle()
        if suspend:
            test_run.start(world)
            assert test_run.job_of(world), "the run goes on"
        else:
            test_dataset.ingest(world)
        assert {**conditions_of(world, DATASETS, "penguins"), "SourceReadable": ""} == {
            **expected,
            "SourceReadable": "",
            "TypesCertain": "True",
        }
    # Between two verdicts stands the pass in which nobody had looked at the new generation yet.
    assert witness.verdicts(DATASETS, "penguins")[-4:] == ["InProgress", "Current", "InProgress", "Current"]


def test_a_suspended_dataset_whose_version_is_damaged_has_failed(witness: Witness) -> None:
    world = test_run.with_data()
    world.put(DATASETS, dataset(suspend=True))
    version = world.one(DATASET_VERSIONS)
    stuck = {"type": "Stalled", "status": "True", "reason": "DataMissing", "message": "apply it again"}
    ready = {**stuck, "type": "Ready", "status": "False"}
    world.status(DATASET_VERSIONS, version["metadata"]["name"], {**version["status"], "conditions": [ready, stuck]})
    world.down.add(Result)
    world.run(Key(DATASETS, "team", "penguins"))
    assert conditions_of(world, DATASETS, "penguins") == {"Ready": "False", "Stalled": "True", **ONLY_SUSPENDED}
    assert witness.verdicts(DATASETS, "penguins")[-1] == "Failed"


def test_a_run_that_is_suspended_and_goes_on(witness: Witness) -> None:
    world = test_run.with_data()
    test_run.start(world)
    active(world, test_run.job_of(world))
    test_run.start(world, suspend=True)
    assert conditions_of(world, TRAINING_RUNS, "forest") == ONLY_SUSPENDED
    test_run.start(world)
    assert witness.verdicts(TRAINING_RUNS, "forest") == ["InProgress", "Current", "InProgress"]


def test_a_model_deployment_is_suspended_once_its_pods_have_gone(witness: Witness) -> None:
    world = test_modeldeployment.served()
    test_modeldeployment.deploy(world, suspend=True)
    assert world.condition(MODEL_DEPLOYMENTS, "species")[:2] == ("False", "Suspending")
    roll_out(world, ready=0)
    world.settle()
    assert conditions_of(world, MODEL_DEPLOYMENTS, "species") == ONLY_SUSPENDED
    test_modeldeployment.deploy(world)
    test_modeldeployment.rolled(world)
    assert witness.verdicts(MODEL_DEPLOYMENTS, "species")[-4:] == ["InProgress", "Current", "InProgress", "Current"]
