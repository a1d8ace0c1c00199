"""Checks a TrainingRun with a script: its ConfigMap is waited for, read once, and a change of it is told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from modelyard.engine.plan import Closed
from modelyard.engine.resource import CONFIG_MAPS, JOBS, TRAINING_RUNS, Object
from modelyard_api.installation import Installation
from modelyard_api.wire.task import TrainTask
from tests.unit.kinds.objects import active, complete, digest, fail, meta, pod, run, task_of, train_result
from tests.unit.kinds.test_trainingrun import job_of, jobs_of, phase, ready, start, with_data
from tests.unit.kinds.world import World

SOURCE, LOCK = "def train(context): ...", "answers==1.0 --hash=sha256:0"
FILES = {"train.py": digest(SOURCE), "requirements.txt": digest(LOCK)}
CODE = {"name": "code", "key": "train.py", "requirements": "requirements.txt"}
SCRIPT = {"script": {"configMap": CODE, "parameters": {"depth": 3}}}


@pytest.fixture
def world() -> World:
    return with_data()


def put(world: World, source: str = SOURCE, **data: str) -> None:
    world.put(CONFIG_MAPS, {**meta("code"), "data": {"train.py": source, "requirements.txt": LOCK, **data}})


def test_the_files_are_mounted_and_told_by_digest(world: World) -> None:
    put(world)
    start(world, trainer=SCRIPT, podTemplate={"env": [{"name": "PIP_INDEX_URL", "value": "http://mine"}]})
    job = job_of(world)
    task: TrainTask = task_of(job, TrainTask)
    assert task.script_files == world.status_of(TRAINING_RUNS, "forest")["scriptFiles"] == FILES
    assert task.trainer.script is not None
    assert task.trainer.script.parameters == {"depth": 3}
    spec = job["spec"]["template"]["spec"]
    (main,) = spec["containers"]
    assert main["args"] == ["script"]
    assert {"name": "PIP_INDEX_URL", "value": "http://mine"} in main["env"]
    mounts = {mount["mountPath"]: mount for mount in main["volumeMounts"]}
    assert mounts["/modelyard/script"] == {"name": "script", "mountPath": "/modelyard/script", "readOnly": True}
    assert mounts["/modelyard/out"] == {"name": "out", "mountPath": "/modelyard/out"}
    (volume,) = (volume for volume in spec["volumes"] if volume["name"] == "script")
    items = [{"key": key, "path": key} for key in FILES]
    assert volume["configMap"] == {"name": "code", "items": items, "optional": True}
    assert SOURCE not in str(job), "code is no part of a Job"
    complete(world, job, train_result(job))
    world.settle()
    assert ready(world) == ("True", "Trained")


@pytest.mark.parametrize(("scheme", "trusted"), [("https", []), ("http", ["wheels.example.com"])])
def test_the_index_is_the_installations_unless_the_run_has_one(scheme: str, trusted: list[str]) -> None:
    world = with_data(Installation(package_index_url=f"{scheme}://wheels.example.com/simple"))
    put(world)
    start(world, trainer=SCRIPT)
    start(world, "tree")
    by_name = {name: job_of(world, name)["spec"]["template"]["spec"]["containers"][0] for name in ("forest", "tree")}
    index = {"name": "PIP_INDEX_URL", "value": f"{scheme}://wheels.example.com/simple"}
    assert index in by_name["forest"]["env"]
    assert [item["value"] for item in by_name["forest"]["env"] if item["name"] == "PIP_TRUSTED_HOST"] == trusted
    assert index not in by_name["tree"]["env"], "only scripts install wheels"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "spec.trainer.script.configMap.name: there is no ConfigMap 'code' in namespace 'team'; apply it"),
        ({"a.py": "", "requirements.txt": ""}, ".key: ConfigMap 'code' has no key 'train.py'; it has a.py"),
        ({"train.py": ""}, ".configMap.requirements: ConfigMap 'code' has no key 'requirements.txt'; it has train.py"),
        ({}, "it has none; name one of them, or add it"),
    ],
)  # fmt: skip
def test_what_may_still_come_is_waited_for(world: World, data: Any, says: str) -> None:
    if data is not None:
        world.put(CONFIG_MAPS, {**meta("code"), "data": data})
    start(world, trainer=SCRIPT)
    assert ready(world) == ("False", "ScriptNotFound")
    assert says in world.condition(TRAINING_RUNS, "forest")[2]
    assert jobs_of(world) == 0
    put(world)
    world.tick(11)
    assert jobs_of(world) == 1
    assert world.status_of(TRAINING_RUNS, "forest")["scriptFiles"] == FILES


def test_a_key_of_bytes_is_read_as_the_kubelet_writes_it(world: World) -> None:
    binary = {"train.py": base64.b64encode(SOURCE.encode()).decode()}
    world.put(CONFIG_MAPS, {**meta("code"), "binaryData": binary, "data": {"requirements.txt": LOCK}})
    start(world, trainer=SCRIPT)
    assert task_of(job_of(world), TrainTask).script_files == FILES


def test_a_run_whose_job_is_gone_goes_on_with_its_own_script_alone(world: World) -> None:
    put(world)
    start(world, trainer=SCRIPT)
    world.delete(JOBS, job_of(world)["metadata"]["name"])
    world.settle()
    assert task_of(job_of(world), TrainTask).script_files == FILES
    put(world, "def train(context): return 1")
    world.settle()
    assert ready(world) == ("False", "PodPending"), "the Job exists, and its pod tells what it finds"
    world.delete(JOBS, job_of(world)["metadata"]["name"])
    world.settle()
    assert ready(world) == ("False", "ScriptChanged")
    message = world.condition(TRAINING_RUNS, "forest")[2]
    assert "key 'train.py' of ConfigMap 'code' has changed since the run started" in message


def test_a_lost_status_knows_the_files_from_the_job(world: World) -> None:
    put(world)
    start(world, trainer=SCRIPT)
    world.status(TRAINING_RUNS, "forest", {})
    world.put(TRAINING_RUNS, run("forest", trainer=SCRIPT))
    world.settle()
    assert world.status_of(TRAINING_RUNS, "forest")["scriptFiles"] == FILES


def test_a_bundle_is_mounted_and_a_failing_pull_names_its_field(world: World) -> None:
    image = "registry.example.com/churn@sha256:" + "0" * 64
    start(world, trainer={"script": {"bundle": {"image": image}, "entry": "acme.churn:train"}})
    job = job_of(world)
    spec = job["spec"]["template"]["spec"]
    (volume,) = (volume for volume in spec["volumes"] if volume["name"] == "script")
    assert volume == {"name": "script", "image": {"reference": image, "pullPolicy": "IfNotPresent"}}
    mount = {"name": "script", "mountPath": "/modelyard/bundle", "readOnly": True}
    assert mount in spec["containers"][0]["volumeMounts"]
    assert "scriptFiles" not in world.status_of(TRAINING_RUNS, "forest")
    detail = f'failed to pull and unpack image "{image}": failed to resolve image: {image}: not found'
    world.pods[job["metadata"]["uid"]] = [pod(job, waiting={"reason": "ErrImagePull", "message": detail})]
    active(world, job, ready=0)
    world.tick(30)
    status, reason, message = world.condition(TRAINING_RUNS, "forest")
    assert (status, reason) == ("False", "ImagePullFailed")
    assert message.startswith(f"spec.trainer.script.bundle.image: the image {image!r} of container 'main' can't")


def test_parameters_that_no_json_reader_takes_are_refused(world: World) -> None:
    deep: Any = {}
    for _ in range(40):
        deep = {"a": deep}
    start(world, trainer={"script": {"configMap": CODE, "parameters": deep}})
    assert ready(world) == ("False", "SpecTooDeep")


@pytest.mark.parametrize(
    ("trainer", "because", "status"),
    [
        (SCRIPT, "BackoffLimitExceeded", "FAILED"),
        (SCRIPT, "DeadlineExceeded", "KILLED"),
        ({"estimator": {"algorithm": "RandomForestClassifier"}}, "BackoffLimitExceeded", None),
    ],
)
def test_what_a_killed_script_has_left_open_is_closed(
    world: World, trainer: Object, because: str, status: str | None
) -> None:
    put(world)
    start(world, trainer=trainer)
    fail(world, job_of(world), because=because, exitCode=137, reason="OOMKilled")
    world.down.add(Closed)
    world.settle()
    uid = world.get(TRAINING_RUNS, "forest")["metadata"]["uid"]
    if status is not None:
        assert ready(world) == ("False", "ArtifactStoreUnavailable"), "it has not ended before that is closed"
        world.down.clear()
        world.tick(10)
        assert world.closed[uid] == Closed("modelyard/team/forest", uid, status)
    assert (uid in world.closed) == (status is not None)
    assert phase(world) == "Failed"
