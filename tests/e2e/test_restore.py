"""Checks deletions that wait, numbers that are never given again, and a namespace restored from its own objects."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.client import Refused
from tests.support.infer import post
from tests.support.kube import Kube, Object, condition
from tests.support.namespace import new_namespace
from tests.support.scene import Scene

pytestmark = pytest.mark.cluster
TREE = {"estimator": {"algorithm": "DecisionTreeClassifier"}}
ROW = {"inputs": [{"name": name, "datatype": "FP32", "shape": [1], "data": [3.0]} for name in ("a", "b")]}
SAVED = "configmaps,datasets,datasetversions,trainingruns,models,modelversions,modeldeployments"
MODEL = {
    "task": "Classification",
    "promotion": "Automatic",
    # The labels of this table are drawn, so no model of it is better than another, or than the most frequent class.
    "noWorseThanChampion": {"enabled": False},
}
SILENCE = 60
"""Seconds after a restore in which nothing may be trained: it was decided long before."""


def served(kube: Kube) -> Scene:
    """Returns a namespace in which version 1 of the Model ``good`` is served."""
    scene = Scene(kube)
    scene.dataset()
    scene.put("Model", "good", MODEL)
    scene.put("ModelDeployment", "good", {"modelRef": {"name": "good", "alias": "champion"}})
    train(scene, "first")
    kube.until_condition("modeldeployment", "good", seconds=180)
    return scene


def train(scene: Scene, name: str) -> None:
    spec = {"datasetRef": {"name": "good"}, "modelRef": {"name": "good"}, "trainer": TREE}
    scene.put("TrainingRun", name, spec)
    scene.kube.until_condition("trainingrun", name, seconds=180)


def ask(kube: Kube) -> int:
    return post(*kube.address("good"), "/v2/models/good/infer", ROW)[0]


def names(kube: Kube, plural: str) -> set[str]:
    return {str(obj["metadata"]["name"]) for obj in kube.list(plural)}


def test_what_serves_is_not_deleted_and_no_number_is_given_again(kube: Kube) -> None:
    scene = served(kube)
    kube.run("delete", "model", "good", "--wait=false")
    kube.until_condition("model", "good", "DeletionBlocked", "True", "InUse", 30)
    note = scene.event_note("Model", "good", "InUse")
    assert "ModelDeployment good" in note
    assert "kubectl patch model good" in note
    assert ask(kube) == 200
    kube.run("delete", "dataset", "good", "--wait=false")
    kube.until_condition("dataset", "good", "DeletionBlocked", "True", "InUse", 30)
    kube.run("delete", "modeldeployment", "good", "--wait")
    kube.until("the end of Model and Dataset", lambda: not names(kube, "models") | names(kube, "datasets"), 60)
    scene.dataset()
    scene.put("Model", "good", MODEL)
    train(scene, "second")
    assert names(kube, "modelversions") == {"good-v2"}


def test_a_deletion_by_force_leaves_the_version_that_serves(kube: Kube) -> None:
    served(kube)
    kube.run("delete", "model", "good", "--wait=false")
    kube.until_condition("model", "good", "DeletionBlocked", "True", "InUse", 30)
    kube.run("patch", "model", "good", "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    kube.until("the end of the Model", lambda: not names(kube, "models"), 30)
    kube.until_condition("modelversion", "good-v1", "DeletionBlocked", "True", "InUse", 60)
    assert ask(kube) == 200


def test_a_namespace_with_what_is_used_ends(cluster: str) -> None:
    with new_namespace(cluster) as kube:
        served(kube)
        name = kube.namespace
        kube.delete("namespace", name)
        kube.until("the end of the namespace", lambda: kube.get("namespace", name) is None, 240, every=1)


def test_a_restored_namespace_trains_nothing_and_is_ready(kube: Kube, tmp_path: Path) -> None:
    scene = served(kube)
    train(scene, "second")
    kube.until("version 2", lambda: kube.get("modeldeployment", "good")["status"].get("stable") == 2, 180)
    before = state(kube)
    saved = backup(kube)
    kube.delete("namespace", kube.namespace)
    kube.until("the end of the namespace", lambda: kube.get("namespace", kube.namespace) is None, 240, every=1)
    kube.run("create", "namespace", kube.namespace)
    file = tmp_path / "backup.json"
    file.write_text(json.dumps(saved))
    kube.run("apply", "--server-side", "-f", str(file))
    kube.until_condition("modeldeployment", "good", seconds=240)
    ends = time.monotonic() + SILENCE
    while time.monotonic() < ends:
        assert not [name for name in names(kube, "jobs") if "-train-" in name]
        time.sleep(5)
    assert state(kube) == before
    assert ask(kube) == 200


def test_what_is_orphaned_and_applied_anew_trains_nothing(kube: Kube) -> None:
    scene = served(kube)
    before = state(kube)
    for kind in ("modeldeployment", "trainingrun", "model", "dataset"):
        name = "first" if kind == "trainingrun" else "good"
        orphan(kube, kind, name)
    jobs = {job["metadata"]["uid"] for job in kube.list("jobs") if "-train-" in job["metadata"]["name"]}
    scene.dataset()
    scene.put("Model", "good", MODEL)
    scene.put("ModelDeployment", "good", {"modelRef": {"name": "good", "alias": "champion"}})
    train(scene, "first")
    kube.until_condition("modeldeployment", "good", seconds=180)
    assert {job["metadata"]["uid"] for job in kube.list("jobs") if "-train-" in job["metadata"]["name"]} == jobs
    assert state(kube) == before


def orphan(kube: Kube, kind: str, name: str) -> None:
    """Deletes an object without what it owns, by force if it is used."""
    kube.run("delete", kind, name, "--cascade=orphan", "--wait=false")

    def gone() -> bool:
        obj = kube.get(kind, name)
        # Kubernetes removes its own finalizer once it has taken the owner from the children.
        if obj and obj["metadata"].get("finalizers") == ["modelyard.dev/in-use"]:
            # The object may go meanwhile by itself, once what used it has gone.
            with suppress(Refused):
                kube.patch(kind, name, {"metadata": {"finalizers": None}})
        return obj is None

    kube.until(f"the end of {kind} {name}", gone, 60)


def backup(kube: Kube) -> Object:
    """Returns the objects as the page about backups saves them."""
    document: Object = json.loads(kube.run("get", SAVED, "-o", "json"))
    document["items"] = [obj for obj in document["items"] if obj["metadata"]["name"] != "kube-root-ca.crt"]
    for obj in document["items"]:
        obj.pop("status", None)
        for key in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "finalizers"):
            obj["metadata"].pop(key, None)
        obj["metadata"].pop("ownerReferences", None)
    return document


def state(kube: Kube) -> Object:
    """Returns what is the same before and after."""
    model = kube.get("model", "good")["status"]
    return {
        "versions": {v["metadata"]["name"]: v["spec"]["artifact"]["digest"] for v in kube.list("modelversions")},
        "data": names(kube, "datasetversions"),
        "champion": (model.get("champion"), model.get("lastNumber")),
        "runs": {
            run["metadata"]["name"]: (run["status"].get("outputs"), (condition(run, "Ready") or {}).get("reason"))
            for run in kube.list("trainingruns")
        },
    }
