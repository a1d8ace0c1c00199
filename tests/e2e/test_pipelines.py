"""Checks Pipelines on real pods: a DAG from new data to a model, and a schedule while the operator is killed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kube import Kube, Object
from tests.support.pods import RUNTIME
from tests.support.scene import CSV, Scene, kill_operator

pytestmark = pytest.mark.cluster
CHECK = """
import json
least = int(json.load(open("/modelyard/in/parameters.json"))["least"])
json.dump({"trees": least * 2}, open("/modelyard/out/outputs.json", "w"))
"""
STEPS: list[Object] = [
    {
        "name": "train",
        "trainingRun": {
            "datasetRef": {"name": "good", "version": "$(trigger.datasetVersion)"},
            "modelRef": {"name": "good"},
            "trainer": {
                "estimator": {
                    "algorithm": "RandomForestClassifier",
                    "params": {"n_estimators": "$(steps.check.outputs.trees)"},
                }
            },
        },
    },
    {
        "name": "check",
        "container": {
            "image": RUNTIME,
            "command": ["python", "-c", CHECK],
            "parameters": {"least": "$(parameters.least)"},
            "outputs": ["trees"],
        },
    },
]


def runs(kube: Kube, number: int, seconds: float = 120) -> list[Object]:
    """Waits for so many PipelineRuns, and returns them in the order in which they were made."""

    def probe() -> list[Object]:
        found = kube.list("pipelineruns")
        return found if len(found) >= number else []

    found = kube.until(f"{number} PipelineRuns", probe, seconds)
    return sorted(found, key=lambda run: str(run["metadata"]["creationTimestamp"]))


def test_new_data_run_the_steps_to_a_model(scene: Scene) -> None:
    kube = scene.kube
    scene.put("Model", "good", {"task": "Classification"})
    scene.put("Dataset", "good", {"source": {"configMap": {"name": "good", "key": "t.csv"}}, "target": "y",
                                  "checkEvery": "5s"})  # fmt: skip
    spec: dict[str, Any] = {"triggers": [{"name": "fresh", "dataset": {"name": "good"}}], "steps": STEPS}
    scene.put("Pipeline", "loop", spec | {"parameters": [{"name": "least", "default": "3"}]})
    kube.until_condition("pipeline", "loop")
    (first,) = runs(kube, 1)
    kube.until_condition("pipelinerun", first["metadata"]["name"], "Complete", seconds=300)
    version = kube.get("modelversion", "good-v1")
    assert version is not None
    assert version["spec"]["lineage"]["parameters"]["n_estimators"] == 6

    scene.table("good", CSV + "1000,1,yes\n")
    second = runs(kube, 2)[1]
    latest = kube.get("dataset", "good")["status"]["latest"]  # type: ignore[index]
    assert second["spec"]["trigger"]["cause"]["value"] == latest
    name = second["metadata"]["name"]
    kube.until_condition("pipelinerun", name, "Complete", seconds=300)
    status = kube.get("pipelinerun", name)["status"]  # type: ignore[index]
    assert status["outputs"] == {"datasetVersion": latest, "modelVersion": "good-v2"}
    (trained,) = kube.list("trainingruns", f"modelyard.dev/pipelinerun={name}")
    assert latest in trained["metadata"]["annotations"]["modelyard.dev/cause"]
    assert latest in scene.event_note("PipelineRun", name, "StepStarted")

    kube.delete("pipelinerun", name)
    kube.until("the end of its step", lambda: not kube.get("trainingrun", trained["metadata"]["name"]), 60)
    assert kube.get("modelversion", "good-v2"), "a version belongs to its Model"


@pytest.mark.disrupts
def test_a_time_of_a_schedule_has_one_run(other: Scene) -> None:
    """The operator is killed as soon as the run is there, before it can tell so in the Pipeline's status."""
    kube = other.kube
    container = {"image": RUNTIME, "command": ["python", "-c", "pass"]}
    spec = {"triggers": [{"name": "often", "cron": {"schedule": "* * * * *"}}]}
    other.put("Pipeline", "clock", {**spec, "steps": [{"name": "nothing", "container": container}]})
    (first,) = runs(kube, 1, 180)
    kill_operator(kube.cluster)
    kube.until_condition("pipelinerun", first["metadata"]["name"], "Complete", seconds=300)
    kube.patch("pipeline", "clock", {"spec": {"suspend": True}})
    kube.until_condition("pipeline", "clock", "Suspended", seconds=120)
    slots = [run["spec"]["trigger"]["cause"] for run in kube.list("pipelineruns")]
    values = [slot["value"] for slot in slots]
    covered = [value for slot in slots for value in slot.get("earlier", ())]
    assert len({*values, *covered}) == len(values) + len(covered), "each time of the schedule is used once"


def test_a_step_that_a_quota_refuses_goes_on_and_hands_its_version_on(scene: Scene) -> None:
    """Its quota holds up no other step; a prediction then takes the number of the version that it has made."""
    kube = scene.kube
    scene.put("Model", "good", {"task": "Classification"})
    scene.put("Dataset", "good", {"source": {"configMap": {"name": "good", "key": "t.csv"}}, "target": "y"})
    scene.put("Dataset", "scored", {"source": {"pushed": {}}})
    kube.until_condition("dataset", "good", seconds=240)
    hard = {"count/trainingruns.modelyard.dev": "0"}
    kube.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": hard}})
    counted = lambda: (kube.get("resourcequota", "none") or {}).get("status", {}).get("hard") == hard  # noqa: E731
    kube.until("the quota", counted)
    training = {"datasetRef": {"name": "good"}, "modelRef": {"name": "good"}}
    version = {"name": "good", "version": "$(steps.train.outputs.modelVersionNumber)"}
    steps: list[Object] = [
        {"name": "train", "trainingRun": {**training, "trainer": {"estimator": {"algorithm": "GaussianNB"}}}},
        {"name": "other", "container": {"image": RUNTIME, "command": ["true"]}},
        {
            "name": "score",
            "batchPrediction": {
                "modelRef": version,
                "datasetRef": {"name": "good"},
                "output": {"datasetRef": {"name": "scored"}},
            },
        },
    ]
    scene.put("PipelineRun", "once", {"pipelineRef": {"name": "none"}, "steps": steps})
    message = kube.until_condition("pipelinerun", "once", "Stalled", "True", "QuotaExceeded")["message"]
    assert "have the quota raised" in message

    def phases() -> dict[str, Any]:
        run = kube.get("pipelinerun", "once") or {}
        return {item["name"]: item["phase"] for item in run["status"].get("steps", [])}

    kube.until("the other step", lambda: phases().get("other") == "Succeeded", 240)
    assert (phases()["train"], phases()["score"]) == ("Pending", "Pending")
    kube.delete("resourcequota", "none")
    kube.until_condition("pipelinerun", "once", "Complete", seconds=400)
    (prediction,) = kube.list("batchpredictions")
    assert prediction["spec"]["modelRef"] == {"name": "good", "version": 1}
