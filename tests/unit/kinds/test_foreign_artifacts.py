"""Checks that no version has another namespace's artifacts read, even if its status claims that it is Ready."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from modelyard.engine.resource import (
    BATCH_PREDICTIONS,
    CONFIG_MAPS,
    DATASET_VERSIONS,
    DATASETS,
    DEPLOYMENTS,
    JOBS,
    MODEL_DEPLOYMENTS,
    MODEL_MONITORS,
    MODEL_POOLS,
    MODEL_VERSIONS,
    MODELS,
    SWEEPS,
    TRAINING_RUNS,
    WORKSPACES,
    Object,
    Resource,
)
from modelyard_api.fields.artifact import is_of, is_path
from tests.kinds import SAMPLES
from tests.unit.kinds import packs
from tests.unit.kinds.objects import complete, deployment, evaluate_result, imported, run
from tests.unit.kinds.test_batchprediction import prediction, with_champion
from tests.unit.kinds.test_comparison import new_rows
from tests.unit.kinds.test_model import aliases, train, with_model
from tests.unit.kinds.test_modeldeployment import deploy, rolled, served
from tests.unit.kinds.test_modelmonitor import monitor
from tests.unit.kinds.test_trainingrun import with_data
from tests.unit.kinds.test_workspace import workspace
from tests.unit.kinds.world import NAMESPACE, World

FOREIGN = "mlflow-artifacts:/modelyard/others/uid/model"
OUTSIDE = "is no path of plain names (of A-Z, a-z, 0-9, '.', '_', '-') below mlflow-artifacts:/modelyard/team/"
DATA = DATASET_VERSIONS


@pytest.mark.parametrize(
    ("uri", "own"),
    [
        ("mlflow-artifacts:/modelyard/team/uid/model", True),
        ("mlflow-artifacts:/modelyard/team/m", True),
        ("mlflow-artifacts:/modelyard/team", False),
        ("mlflow-artifacts:/modelyard/team/", False),
        ("mlflow-artifacts:/modelyard/teams/m", False),
        ("mlflow-artifacts:/modelyard/others/m", False),
        ("mlflow-artifacts:/modelyard/TEAM/m", False),
        ("mlflow-artifacts://modelyard/team/m", False),
        ("mlflow-artifacts:/team/m", False),
        ("mlflow-artifacts:/modelyard/team/../others/m", False),
        ("mlflow-artifacts:/modelyard/team/a/../../others/m", False),
        ("mlflow-artifacts:/modelyard/team/%2e%2e/others/m", False),
        ("mlflow-artifacts:/modelyard/team/%252e%252e/others/m", False),
        ("mlflow-artifacts:/modelyard/team/..\\others/m", False),
        ("mlflow-artifacts:/modelyard/team/./m", False),
        ("mlflow-artifacts:/modelyard/team//m", False),
        ("s3:/modelyard/team/m", False),
        ("", False),
    ],
)
def test_what_is_a_namespaces_own(uri: str, own: bool) -> None:
    assert is_of("team", uri) is own
    # The tracking server reads addresses alike.
    path = uri.removeprefix("mlflow-artifacts:/")
    assert is_of("team", uri) is (path != uri and path.startswith("modelyard/team/") and is_path(path))


@pytest.mark.parametrize("lineage", ["datasetVersion", "trainingRun"])
def test_an_import_of_another_namespaces_model_is_refused_before_anything_is_read(lineage: str) -> None:
    world = with_model()
    world.results[f"{FOREIGN}/result.json"] = {"kind": "Train"}
    data = world.status_of(DATASETS, "penguins")["latest"]
    world.read.clear()
    artifact = imported(1)["spec"]["artifact"] | {"uri": FOREIGN}
    value = data if lineage == "datasetVersion" else "forest"
    world.put(MODEL_VERSIONS, imported(1, artifact=artifact, lineage={lineage: value}))
    world.settle()
    state, reason, message = world.condition(MODEL_VERSIONS, "species-v1")
    assert (state, reason) == ("False", "ForeignArtifact")
    assert f"spec.artifact.uri: {FOREIGN} {OUTSIDE}" in message
    assert "copy the files below mlflow-artifacts:/modelyard/team/ and import the model from there" in message
    assert not _named(world)
    assert not aliases(world)


def test_a_dataset_version_of_another_namespaces_rows_is_refused_before_anything_is_read() -> None:
    world, name = _with_rows()
    _turn(world, DATA, name, "accepted")
    world.read.clear()
    world.settle()
    state, reason, message = world.condition(DATA, name)
    assert (state, reason) == ("False", "ForeignArtifact")
    assert f"spec.uri: {FOREIGN} {OUTSIDE}" in message
    assert "accepted" not in world.status_of(DATA, name)
    assert not _named(world)


# --- who uses a version whose status claims that it is ready ----------------------------------------------------------


def _with_rows() -> tuple[World, str]:
    world = with_data()
    return world, str(world.status_of(DATASETS, "penguins")["latest"])


def _turn(world: World, resource: Resource, name: str, claim: str) -> None:
    """Lets a version name another namespace's artifacts, as one of before this rule, though it claims to be ready."""
    obj = world.get(resource, name)
    assert obj["status"][claim]
    assert {"type": "Ready", "status": "True"}.items() <= obj["status"]["conditions"][0].items()
    place = obj["spec"]["artifact"] if resource == MODEL_VERSIONS else obj["spec"]
    place["uri"] = FOREIGN
    world._keep((resource, obj["metadata"]["namespace"], name), obj)


def _named(world: World) -> list[str]:
    """Returns the children and the reads that name another namespace's artifacts."""
    children = (*world.all(JOBS), *world.all(DEPLOYMENTS), *world.all(CONFIG_MAPS))
    texts = [json.dumps(child) for child in children] + [repr(need) for need in world.read]
    return [text for text in texts if "modelyard/others" in text]


def _train() -> tuple[World, Object, Resource, str]:
    world, name = _with_rows()
    return world, run(), DATA, name


def _search() -> tuple[World, Object, Resource, str]:
    world, name = _with_rows()
    spec: Object = {"datasetRef": {"name": "penguins"}, "modelRef": None, "suspend": None}
    return world, SAMPLES["Sweep"].make(spec, "search", NAMESPACE), DATA, name


def _score(of: Resource) -> Callable[[], tuple[World, Object, Resource, str]]:
    def build() -> tuple[World, Object, Resource, str]:
        world = with_champion()
        name = "species-v1" if of == MODEL_VERSIONS else world.status_of(DATASETS, "penguins")["latest"]
        return world, prediction(), of, name

    return build


def _evaluate() -> tuple[World, Object, Resource, str]:
    world = with_model()
    world.settle()
    name = str(world.status_of(DATASETS, "penguins")["latest"])
    return world, imported(1, data=name), DATA, name


def _mount() -> tuple[World, Object, Resource, str]:
    world, name = _with_rows()
    return world, workspace(datasets=[{"name": "penguins"}]), DATA, name


def _serve() -> tuple[World, Object, Resource, str]:
    world = with_champion()
    return world, deployment(), MODEL_VERSIONS, "species-v1"


def _pack() -> tuple[World, Object, Resource, str]:
    world = with_champion()
    world.put(MODEL_POOLS, packs.pool())
    world.settle()
    return world, packs.packed("species"), MODEL_VERSIONS, "species-v1"


USERS: dict[str, tuple[Resource, Callable[[], tuple[World, Object, Resource, str]]]] = {
    "TrainingRun": (TRAINING_RUNS, _train),
    "Sweep": (SWEEPS, _search),
    "BatchPrediction of a model": (BATCH_PREDICTIONS, _score(MODEL_VERSIONS)),
    "BatchPrediction of rows": (BATCH_PREDICTIONS, _score(DATA)),
    "ModelVersion": (MODEL_VERSIONS, _evaluate),
    "Workspace": (WORKSPACES, _mount),
    "ModelDeployment": (MODEL_DEPLOYMENTS, _serve),
    "ModelDeployment in a ModelPool": (MODEL_DEPLOYMENTS, _pack),
}


@pytest.mark.parametrize("user", USERS)
def test_what_uses_a_version_refuses_a_foreign_one_that_claims_to_be_ready(user: str) -> None:
    """The version's own controller hasn't looked yet: its status still says Ready."""
    resource, build = USERS[user]
    world, obj, of, name = build()
    _turn(world, of, name, "verified" if of == MODEL_VERSIONS else "accepted")
    world.read.clear()
    _pass(world, resource, obj)
    assert world.condition(of, name)[0] == "True"
    _, reason, message = world.condition(resource, obj["metadata"]["name"])
    assert reason == "ForeignArtifact", message
    assert name in message
    assert "modelyard/others" in message
    assert not _named(world)
    world.settle()
    assert not _named(world)


def _pass(world: World, resource: Resource, obj: Object) -> None:
    """Runs the passes of one object alone until it writes nothing."""
    world.put(resource, obj)
    key = next(key for key in world._keys() if key.resource == resource and key.name == obj["metadata"]["name"])
    for _ in range(10):
        before = world.writes
        world.run(key)
        if world.writes == before:
            return
    raise AssertionError("it goes on writing")


def test_pods_that_serve_a_foreign_version_are_not_made_anew() -> None:
    """Such as an earlier release has made: they go on, and nothing is rolled out or scaled with another template."""
    world = served()
    before = world.get(DEPLOYMENTS, "species-v1")["spec"]["template"]
    _turn(world, MODEL_VERSIONS, "species-v1", "verified")
    world.put(MODEL_DEPLOYMENTS, deployment(replicas=3, podTemplate={"env": [{"name": "A", "value": "b"}]}))
    world.settle()
    assert world.condition(MODEL_DEPLOYMENTS, "species")[1] == "ForeignArtifact"
    child = world.get(DEPLOYMENTS, "species-v1")
    assert (child["spec"]["template"], child["spec"]["replicas"]) == (before, 3)


def test_a_forged_status_has_no_foreign_version_served() -> None:
    world = with_champion()
    deploy(world)
    rolled(world)
    train(world, "b")
    _turn(world, MODEL_VERSIONS, "species-v2", "verified")
    forged = world.status_of(MODEL_DEPLOYMENTS, "species") | {"stable": 2, "candidate": None, "packed": ["species-v2"]}
    world.status(MODEL_DEPLOYMENTS, "species", forged)
    world.settle()
    assert not _named(world)


def test_a_pools_catalogue_has_no_foreign_version() -> None:
    world = with_champion()
    world.put(MODEL_POOLS, packs.pool())
    world.put(MODEL_DEPLOYMENTS, packs.packed("species"))
    world.settle()
    packs.Servers(world).settle()
    assert packs.catalogue(world) == {"species": [1]}
    _turn(world, MODEL_VERSIONS, "species-v1", "verified")
    world.settle()
    assert packs.catalogue(world) == {}
    # Nor once it is gone, from a catalogue that somebody has edited.
    catalogue = world.get(CONFIG_MAPS, packs.CHILD)
    entry = {"number": 1, "uri": FOREIGN, "digest": "sha256:" + "0" * 64}
    catalogue["data"]["catalogue.json"] = json.dumps({"models": [{"name": "species", "versions": [entry]}]})
    world._keep((CONFIG_MAPS, "team", packs.CHILD), catalogue)
    world.delete(MODEL_VERSIONS, "species-v1", force=True)
    world.settle()
    assert packs.catalogue(world) == {}


def test_no_version_is_compared_with_a_foreign_champion() -> None:
    world = with_model()
    train(world, "may")
    new_rows(world)
    _turn(world, MODEL_VERSIONS, "species-v1", "verified")
    train(world, "june")
    assert not _named(world)
    assert world.condition(MODEL_VERSIONS, "species-v1")[1] == "ForeignArtifact"
    _, reason, message = world.condition(MODEL_VERSIONS, "species-v2", "Approved")
    assert reason == "NotJudged"
    assert "ForeignArtifact: ModelVersion species-v1: spec.artifact.uri" in message
    assert world.condition(MODELS, "species", "ChampionAvailable")[1] == "ChampionNotReady"


def test_a_monitor_reads_no_foreign_profile() -> None:
    world = served()
    name = world.get(MODEL_VERSIONS, "species-v1")["spec"]["lineage"]["datasetVersion"]
    world.put(MODEL_MONITORS, monitor())
    _turn(world, MODEL_VERSIONS, "species-v1", "verified")
    _turn(world, DATA, name, "accepted")
    forged = world.status_of(DATA, name) | {"profile": {"uri": f"{FOREIGN}/profile.json"}}
    world.status(DATA, name, forged)
    world.read.clear()
    world.settle()
    assert not _named(world)


def test_an_own_import_is_as_ever() -> None:
    world, obj, _, _ = _evaluate()
    world.put(MODEL_VERSIONS, obj)
    world.settle()
    (job,) = (job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"])
    complete(world, job, evaluate_result(job))
    world.settle()
    assert world.condition(MODEL_VERSIONS, "species-v1")[:2] == ("True", "Verified")
