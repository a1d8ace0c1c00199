"""Checks that a Model numbers the versions that runs have trained, and uses no number twice."""

from __future__ import annotations

from datetime import timedelta

from modelyard.engine.plan import Recorded, Result
from modelyard.engine.resource import JOBS, MODEL_VERSIONS, MODELS, TRAINING_RUNS, Key
from modelyard.workload.names import RUN_UID, controller_uid
from tests.unit.kinds.objects import LONG, complete, digest, imported, model, train_result
from tests.unit.kinds.test_model import GATES, status, train, versions, with_model
from tests.unit.kinds.test_trainingrun import job_of, ready, start, with_data
from tests.unit.kinds.world import NAMESPACE, World


def test_a_version_has_its_number_its_lineage_and_its_owner() -> None:
    world = with_model()
    train(world, "forest")
    version, trained = world.one(MODEL_VERSIONS), world.get(TRAINING_RUNS, "forest")
    lineage = version["spec"]["lineage"]
    assert version["spec"]["number"] == 1
    assert (lineage["trainingRun"], lineage["datasetVersion"]) == ("forest", trained["status"]["datasetVersion"])
    assert lineage["datasetDigest"] == digest("a")
    assert lineage["parameters"] == {"n_estimators": 100}
    assert version["metadata"]["labels"][RUN_UID] == trained["metadata"]["uid"]
    assert controller_uid(version) == world.get(MODELS, "species")["metadata"]["uid"]
    assert (status(world)["versions"], status(world)["lastNumber"]) == (1, 1)
    assert "registering" not in status(world)


def test_two_runs_that_end_at_once_get_the_numbers_one_and_two() -> None:
    world = with_model()
    for name in ("b", "a"):
        start(world, name, modelRef={"name": "species"})
    for name in ("b", "a"):
        complete(world, job_of(world, name), train_result(job_of(world, name)))
    world.settle()
    assert versions(world) == ["species-v1", "species-v2"]
    numbers = {v["spec"]["lineage"]["trainingRun"]: v["spec"]["number"] for v in world.all(MODEL_VERSIONS)}
    assert numbers == {"a": 1, "b": 2}
    assert {ready(world, name) for name in "ab"} == {("True", "Registered")}


def train_without_the_model(world: World, *names: str) -> None:
    """Trains runs; the store goes away before the Model can read a result."""
    for name in names:
        start(world, name, modelRef={"name": "species"})
    for name in names:
        complete(world, job_of(world, name), train_result(job_of(world, name)))
        world.now += timedelta(seconds=1)
        world.run(Key(TRAINING_RUNS, NAMESPACE, name))
    world.down.add(Result)


def stop_before_create(world: World, name: str) -> None:
    """Runs a TrainingRun until its version's number is in the Model's status, but the version isn't created yet."""
    train_without_the_model(world, name)
    world.settle()
    assert status(world)["registering"]["run"] == name
    assert not versions(world)


def test_a_run_deleted_between_number_and_create_leaves_its_number_unused() -> None:
    world = with_model()
    stop_before_create(world, "gone")
    world.delete(TRAINING_RUNS, "gone")
    world.down.clear()
    world.settle()
    assert "registering" not in status(world)
    assert not versions(world)
    train(world, "next")
    assert versions(world) == ["species-v2"]


def test_an_import_that_takes_the_number_leaves_the_next_one() -> None:
    world = with_model()
    stop_before_create(world, "forest")
    world.put(MODEL_VERSIONS, imported(1))
    world.down.clear()
    world.settle()
    assert versions(world) == ["species-v1", "species-v2"]
    assert world.get(MODEL_VERSIONS, "species-v2")["spec"]["lineage"]["trainingRun"] == "forest"
    assert world.status_of(TRAINING_RUNS, "forest")["outputs"]["modelVersion"] == "species-v2"


def test_numbers_go_on_after_an_import_and_are_never_used_twice() -> None:
    world = with_model()
    world.put(MODEL_VERSIONS, imported(7))
    train(world, "a")
    assert versions(world) == ["species-v7", "species-v8"]
    world.delete(MODEL_VERSIONS, "species-v8")
    world.settle()
    train(world, "b")
    assert versions(world) == ["species-v7", "species-v9"]


def test_a_result_that_is_gone_does_not_hold_up_the_others() -> None:
    world = with_model()
    train_without_the_model(world, "a", "b")
    world.settle()
    del world.results[world.status_of(TRAINING_RUNS, "a")["resultURI"]]
    world.down.clear()
    world.tick(10)
    assert versions(world) == ["species-v1"]
    assert (ready(world, "a"), ready(world, "b")) == (("False", "Registering"), ("True", "Registered"))
    assert any(note[1] == "ResultMissing" and "TrainingRun a" in note[2] for note in world.notes)
    world.results[world.status_of(TRAINING_RUNS, "a")["resultURI"]] = train_result(job_of(world, "a"))
    world.tick(10)
    assert versions(world) == ["species-v1", "species-v2"]


def test_registering_waits_for_the_store() -> None:
    world = with_model()
    train_without_the_model(world, "forest")
    world.tick(10)
    assert not versions(world)
    world.down.clear()
    world.tick(10)
    assert versions(world) == ["species-v1"]


def test_a_lost_status_makes_no_second_version_and_finds_its_champion() -> None:
    world = with_model()
    train(world, "a")
    train(world, "b")
    world.status(MODELS, "species", None)
    world.settle()
    assert (status(world)["champion"], status(world)["lastNumber"], versions(world)) == (
        2,
        2,
        ["species-v1", "species-v2"],
    )


def test_a_model_made_anew_goes_on_with_the_numbers_of_the_old_one() -> None:
    world = with_model()
    train(world, "a")
    train(world, "b")
    world.delete(MODELS, "species")
    assert not versions(world)
    world.put(MODELS, model(gates=GATES))
    world.settle()
    assert (status(world)["versions"], status(world).get("champion")) == (0, None)
    train(world, "c")
    assert versions(world) == ["species-v3"]
    assert (status(world)["champion"], status(world)["lastNumber"]) == (3, 3)


def test_a_number_of_an_import_is_not_given_again_either() -> None:
    world = with_model()
    world.put(MODEL_VERSIONS, imported(7))
    world.settle()
    world.delete(MODELS, "species")
    world.put(MODELS, model(gates=GATES))
    train(world, "a")
    assert versions(world) == ["species-v8"]


def test_a_status_from_an_old_backup_gives_no_number_again() -> None:
    world = with_model()
    train(world, "a")
    old = status(world)
    train(world, "b")
    world.delete(MODEL_VERSIONS, "species-v2")
    world.status(MODELS, "species", old)
    train(world, "c")
    assert versions(world) == ["species-v1", "species-v3"]


def test_no_number_is_given_while_the_store_is_away_and_that_is_told() -> None:
    world = with_model()
    start(world, "a", modelRef={"name": "species"})
    complete(world, job_of(world, "a"), train_result(job_of(world, "a")))
    world.down.add(Recorded)
    world.settle()
    assert not versions(world)
    assert "registering" not in status(world)
    assert world.condition(MODELS, "species")[:2] == ("False", "ArtifactStoreUnavailable")
    assert "ArtifactStoreUnavailable" in world.condition(TRAINING_RUNS, "a")[2]
    world.down.clear()
    world.tick(10)
    assert versions(world) == ["species-v1"]
    assert world.condition(MODELS, "species")[:2] == ("True", "Accepted")


def test_two_leaders_that_record_one_number_leave_it_to_neither() -> None:
    """A former leader may have recorded a number for another run than the one that then got it."""
    world = with_model()
    train(world, "a")
    start(world, "b", modelRef={"name": "species"})
    late = world.get(TRAINING_RUNS, "b")["metadata"]["uid"]
    world.results[f"mlflow-artifacts:/modelyard/team/models/species/numbers/1.{late}"] = {}
    world.delete(MODEL_VERSIONS, "species-v1")
    complete(world, job_of(world, "b"), train_result(job_of(world, "b")))
    world.settle()
    assert versions(world) == ["species-v2"]


def test_a_restored_model_keeps_its_champion_although_a_worse_one_is_newer() -> None:
    world = with_model(noWorseThanChampion={"enabled": True})
    train(world, "a", 0.95)
    world.put(MODELS, model(gates=GATES, promotion="Manual"))
    train(world, "b", 0.85)
    assert status(world)["champion"] == 1
    world.put(MODELS, model(gates=GATES))
    world.status(MODELS, "species", None)
    world.restart()
    world.run(Key(MODELS, NAMESPACE, "species"))
    assert status(world)["champion"] == 1
    restored = "version 1 is champion: this Model's status knew none, and it was promoted last under its name"
    assert ("Model/species", "ChampionRestored", restored) in world.notes


def test_other_models_with_a_similar_name_have_their_own_numbers() -> None:
    world = with_model()
    world.put(MODELS, model("species-2"))
    train(world, "a")
    train(world, "b", of="species-2")
    assert versions(world) == ["species-2-v1", "species-v1"]


def test_names_stay_short_for_the_longest_model() -> None:
    world = with_data()
    world.put(MODELS, model(LONG))
    train(world, LONG, of=LONG)
    latest = world.get(TRAINING_RUNS, LONG)["status"]["datasetVersion"]
    world.put(MODEL_VERSIONS, imported(1_000_000, LONG, latest))
    world.settle()
    (job,) = (job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"])
    assert len(job["metadata"]["name"]) <= 63
    assert job["metadata"]["labels"]["modelyard.dev/modelversion"] == f"{LONG}-v1000000"
