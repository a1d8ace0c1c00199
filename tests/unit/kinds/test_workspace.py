"""Checks a Workspace: its children, its data by version, suspension, and what is told of tokens and of the volume."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Page
from modelyard.engine.queue import Key
from modelyard.engine.resource import (
    CLAIMS,
    DATASET_VERSIONS,
    DATASETS,
    DEPLOYMENTS,
    SERVICES,
    WORKSPACES,
    Object,
)
from modelyard_api.wire.task import ANNOTATION, BringTask
from modelyard_api.wire.workspace import Health
from tests.kinds.workspace import person
from tests.unit.kinds.objects import digest, meta, put_data
from tests.unit.kinds.test_trainingrun import accept, with_data
from tests.unit.kinds.world import NAMESPACE, Died, World

NAME, CHILD = "lab", "lab-workspace"
SELECTOR = f"modelyard.dev/workspace={NAME}"
URL = "http://10.0.0.7:8080/healthz"
DATA: Object = {"datasets": [{"name": "penguins"}]}


def workspace(**spec: Any) -> Object:
    base = {"people": [person("kim"), person("lee", "of-lee", "word")]}
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "Workspace", **meta(NAME), "spec": base | spec}


def put(world: World, **spec: Any) -> None:
    world.put(WORKSPACES, workspace(**spec))
    world.settle()


def roll_out(world: World, people: tuple[str, ...] = ("kim", "lee"), problems: tuple[str, ...] = ()) -> None:
    """The pod of the Deployment, if it has one, answers, and has the tokens of these people."""
    replicas = pods(world)["spec"]["replicas"]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
    generation = pods(world)["metadata"]["generation"]
    world.status(DEPLOYMENTS, CHILD, {"observedGeneration": generation, **counts})
    status = {"podIP": "10.0.0.7", "conditions": [{"type": "Ready", "status": "True"}]}
    created = {"name": "p", "namespace": NAMESPACE, "creationTimestamp": timestamp(world.now)}
    world.serving[SELECTOR] = [{"metadata": created, "spec": {}, "status": status}] * replicas
    world.pages[URL] = Health(people=list(people), problems=list(problems)).model_dump_json().encode()
    world.settle()


def pods(world: World) -> Object:
    return world.get(DEPLOYMENTS, CHILD)


def pod(world: World) -> Object:
    return dict(pods(world)["spec"]["template"]["spec"])


def tables(world: World) -> list[str]:
    annotations = pods(world)["spec"]["template"]["metadata"].get("annotations") or {}
    return [table.version for table in BringTask.model_validate_json(annotations[ANNOTATION]).tables]


def ready(world: World) -> tuple[str, str, str]:
    return world.condition(WORKSPACES, NAME)


def status(world: World) -> Object:
    return world.status_of(WORKSPACES, NAME)


def done() -> tuple[World, str]:
    """Returns a world in which a Workspace has become Ready, and its name."""
    world = with_data()
    put(world, **DATA)
    roll_out(world)
    return world, NAME


def test_it_answers_with_its_data() -> None:
    world, _ = done()
    version = world.one(DATASET_VERSIONS)["metadata"]["name"]
    assert ready(world)[:2] == ("True", "Running")
    assert status(world)["url"] == f"http://{CHILD}.{NAMESPACE}.svc/lab"
    assert (status(world)["phase"], status(world)["people"]) == ("Running", ["kim", "lee"])
    assert status(world)["datasets"] == [{"name": "penguins", "version": version}]
    assert tables(world) == [version]
    assert {world.one(resource)["metadata"]["name"] for resource in (DEPLOYMENTS, SERVICES, CLAIMS)} == {CHILD}
    assert pods(world)["spec"]["strategy"] == {"type": "Recreate"}


def test_its_pod_has_tokens_as_files_only_and_data_that_nobody_can_change() -> None:
    world, _ = done()
    (server,), (fetch,) = pod(world)["containers"], pod(world)["initContainers"]
    assert pod(world)["automountServiceAccountToken"] is False
    assert not {"valueFrom"} & {key for item in (*server["env"], *fetch["env"]) for key in item}
    sources = next(volume for volume in pod(world)["volumes"] if volume["name"] == "people")["projected"]["sources"]
    assert [(item["secret"]["name"], item["secret"]["items"]) for item in sources] == [
        ("tokens", [{"key": "token", "path": "kim"}]),
        ("of-lee", [{"key": "word", "path": "lee"}]),
    ]
    writes = {mount["name"]: not mount.get("readOnly", False) for mount in server["volumeMounts"]}
    assert (writes["home"], writes["data"], writes["people"]) == (True, False, False)
    assert "people" not in {mount["name"] for mount in fetch["volumeMounts"]}


def test_a_version_is_resolved_once_a_start() -> None:
    world, _ = done()
    first = tables(world)
    put_data(world, "b")
    world.put(DATASETS, world.get(DATASETS, "penguins") | {"spec": {**_spec(world), "checkEvery": "1s"}})
    world.tick(5)
    newest = accept(world, "b")
    assert tables(world) == first != [newest]
    put(world, **DATA, suspend=True)
    roll_out(world)
    put(world, **DATA)
    assert tables(world) == [newest]
    put(world, datasets=[{"name": "penguins", "version": first[0]}])
    assert tables(world) == first, "a version that is named goes before that of the start"


def _spec(world: World) -> Object:
    return dict(world.get(DATASETS, "penguins")["spec"])


def test_a_lost_status_does_not_bring_other_data() -> None:
    world, _ = done()
    first, generation = tables(world), pods(world)["metadata"]["generation"]
    put_data(world, "b")
    world.put(DATASETS, world.get(DATASETS, "penguins") | {"spec": {**_spec(world), "checkEvery": "1s"}})
    world.tick(5)
    accept(world, "b")
    world.status(WORKSPACES, NAME, None)
    world.restart()
    world.settle()
    assert (tables(world), pods(world)["metadata"]["generation"]) == (first, generation)
    assert status(world)["datasets"] == [{"name": "penguins", "version": first[0]}]


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_write_changes_nothing(number: int, when: str) -> None:
    world = with_data()
    world.writes, world.die_at = 0, (number, when)
    with pytest.raises(Died):
        put(world, **DATA)
    world.die_at = None
    world.restart()
    world.settle()
    roll_out(world)
    assert ready(world)[:2] == ("True", "Running")
    assert max(world.created.values()) == 1


def test_data_that_is_not_there_is_waited_for() -> None:
    world = World()
    put(world, **DATA)
    assert ready(world) == (
        "False",
        "DatasetNotFound",
        "spec.datasets[0].name: there is no Dataset 'penguins'; apply it",
    )
    assert world.all(DEPLOYMENTS) == []
    world = with_data()
    put(world)
    roll_out(world)
    put(world, datasets=[{"name": "penguins", "version": "no"}])
    assert ready(world)[1] == "DatasetVersionNotFound"
    assert "initContainers" not in pod(world), "what runs goes on"


def test_a_version_that_lies_there_is_not_deleted_before_the_workspace_ends() -> None:
    world, _ = done()
    version = world.one(DATASET_VERSIONS)["metadata"]["name"]
    world.delete(DATASET_VERSIONS, version)
    world.settle()
    assert "Workspace lab" in json.dumps(world.get(DATASET_VERSIONS, version)["status"]["conditions"])
    put(world, **DATA, suspend=True)
    assert all(item["metadata"].get("deletionTimestamp") is None for item in world.all(DATASET_VERSIONS))


def test_a_version_with_digests_of_its_files_is_checked_and_an_old_one_is_told() -> None:
    world, _ = done()
    assert "so not checked: penguins-" in ready(world)[2]
    version = world.one(DATASET_VERSIONS)
    version["spec"]["files"] = [{"name": "train.parquet", "digest": digest("train")}]
    world.put(DATASET_VERSIONS, version)
    world.settle()
    roll_out(world)
    assert "not checked" not in ready(world)[2]
    (table,) = BringTask.model_validate_json(
        pods(world)["spec"]["template"]["metadata"]["annotations"][ANNOTATION]
    ).tables
    assert table.files[0].digest == digest("train")


def test_suspended_from_birth_it_has_no_children() -> None:
    world = World()
    put(world, suspend=True)
    assert [world.all(resource) for resource in (DEPLOYMENTS, SERVICES, CLAIMS)] == [[], [], []]
    assert world.condition(WORKSPACES, NAME, "Suspended")[0] == "True"


def test_suspension_ends_the_pod_and_keeps_the_volume() -> None:
    world, _ = done()
    put(world, **DATA, suspend=True)
    assert (ready(world)[1], status(world)["phase"]) == ("Suspending", "Suspending")
    assert pods(world)["spec"]["replicas"] == 0
    roll_out(world)
    world.tick(2)
    assert world.condition(WORKSPACES, NAME, "Suspended")[0] == "True"
    assert "datasets" not in status(world) or not status(world)["datasets"]
    assert len(world.all(CLAIMS)) == 1
    put(world, **DATA)
    assert ready(world)[:2] == ("False", "Starting")
    roll_out(world)
    assert ready(world)[:2] == ("True", "Running")


def test_a_missing_token_is_told_by_name_and_its_coming_is_seen() -> None:
    world = World()
    put(world)
    roll_out(world, ("kim",))
    assert ready(world)[:2] == ("False", "TokenMissing")
    assert "lee has no token: there is no Secret 'of-lee' with the key 'word'" in ready(world)[2]
    world.pages[URL] = Health(people=["kim", "lee"]).model_dump_json().encode()
    world.tick(10)
    assert ready(world)[:2] == ("True", "Running")
    assert status(world)["phase"] == "Running"


def test_what_the_pod_wants_to_be_told_is_told() -> None:
    world = World()
    put(world)
    roll_out(world, problems=("lee has the same token as kim",))
    assert ready(world)[0] == "True"
    assert ready(world)[2].endswith("; lee has the same token as kim")


@pytest.mark.parametrize("answer", [b"<html>", b'{"people": "kim"}', None])
def test_a_pod_of_another_image_that_says_nothing_of_tokens_is_ready_all_the_same(answer: bytes | None) -> None:
    world = World()
    put(world, podTemplate={"image": "my/lab"})
    roll_out(world)
    if answer is None:
        world.down.add(Page)
    world.pages[URL] = answer or b""
    world.tick(60)
    assert ready(world)[:2] == ("True", "Running")


def test_a_volume_that_does_not_come_is_told() -> None:
    world = World()
    put(world, storage={"size": "1Gi", "className": "fast"})
    reason = {"type": "PodScheduled", "status": "False", "message": "pod has unbound immediate PersistentVolumeClaims"}
    created = {"name": "p", "namespace": NAMESPACE, "creationTimestamp": timestamp(world.now)}
    world.serving[SELECTOR] = [{"metadata": created, "spec": {}, "status": {"conditions": [reason]}}]
    generation = pods(world)["metadata"]["generation"]
    world.status(DEPLOYMENTS, CHILD, {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1})
    world.tick(15)
    assert ready(world)[:2] == ("False", "VolumeNotBound")
    assert "no volume of 1Gi for PersistentVolumeClaim lab-workspace from StorageClass 'fast'" in ready(world)[2]
    claim = world.one(CLAIMS)
    assert claim["spec"]["storageClassName"] == "fast"
    world.status(CLAIMS, CHILD, {"phase": "Bound"})
    world.tick(15)
    assert ready(world)[1] == "Unschedulable"


def test_a_size_that_grows_is_asked_for_last() -> None:
    world, _ = done()
    put(world, **DATA, storage={"size": "9Gi"})
    assert world.one(CLAIMS)["spec"]["resources"]["requests"]["storage"] == "9Gi"
    plan = world.run(next(key for key in world._keys() if key.resource == WORKSPACES))
    assert plan is not None
    assert plan.writes[-1].resource == CLAIMS  # type: ignore[union-attr]


def test_a_new_default_image_does_not_restart_a_pod_that_runs() -> None:
    world, _ = done()
    image = pod(world)["containers"][0]["image"]
    images = world.installation.images.model_copy(update={"workspace": "registry.example.com/workspace:2"})
    world.installation = world.installation.model_copy(update={"images": images})
    world.restart()
    world.settle()
    assert pod(world)["containers"][0]["image"] == image
    put(world, **DATA, suspend=True)
    roll_out(world)
    put(world, **DATA)
    assert {pod(world)[key][0]["image"] for key in ("containers", "initContainers")} == {images.workspace}


def test_the_pod_is_asked_again_soon_while_a_token_is_missing_and_else_each_minute() -> None:
    world = World()
    put(world)
    for people, seconds in ((("kim",), 10), (("kim", "lee"), 60)):
        roll_out(world, people)
        plan = world.run(Key(WORKSPACES, NAMESPACE, NAME))
        assert plan is not None
        assert plan.after == world.now + timedelta(seconds=seconds)
