"""Checks what follows a champion by itself: not another signature, not a worse version, and nothing under Manual."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.infer import post
from tests.support.kube import Kube, Object, condition
from tests.support.scene import Scene

pytestmark = pytest.mark.cluster
KIND = {"apiVersion": "modelyard.dev/v1alpha1"}
MAY = "reading,y\n" + "".join(f"{20 + number % 7},{'b' if number % 7 > 3 else 'a'}\n" for number in range(100))
JUNE = "reading,y\n" + "".join(
    f"{'high' if number % 7 > 3 else 'low'} {number % 4},{'b' if number % 7 > 3 else 'a'}\n" for number in range(100)
)
MORE = "reading,y\n" + "".join(f"{20 + number % 7},{'b' if number % 7 > 3 else 'a'}\n" for number in range(140))
ASKED = {"inputs": [{"name": "reading", "datatype": "FP32", "shape": [1], "data": [26.0]}]}
TREE = {"algorithm": "DecisionTreeClassifier"}
WORST = {"algorithm": "LogisticRegression", "params": {"C": 1e-9}}
WORSE = {"algorithm": "LogisticRegression", "params": {"C": 1e-4}}
"""Its labels are as bad, but not its probabilities: with log_loss as objective it is better than its baseline."""


class Reading:
    """The readings of a sensor, the model of them, and its deployment."""

    def __init__(self, kube: Kube, **model: Any) -> None:
        self.kube = kube
        self.data(MAY)
        source = {"configMap": {"name": "reading", "key": "reading.csv"}}
        split = {"strategy": "Stratified", "test": 0.25}
        spec = {"source": source, "checkEvery": "5s", "target": "y", "split": split}
        self.put("Dataset", "reading", {**spec, "validation": {"columnChanges": "Allow"}})
        self.put("Model", "reading", {"task": "Classification", **model})
        self.put("ModelDeployment", "reading", {"modelRef": {"name": "reading", "alias": "champion"}})
        kube.until_condition("dataset", "reading", seconds=90)

    def put(self, kind: str, name: str, spec: Object) -> None:
        metadata = {"name": name, "namespace": self.kube.namespace}
        self.kube.apply({**KIND, "kind": kind, "metadata": metadata, "spec": spec})

    def data(self, text: str) -> None:
        metadata = {"name": "reading", "namespace": self.kube.namespace}
        self.kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"reading.csv": text}})

    def new_data(self, text: str) -> None:
        before = self.kube.get("dataset", "reading")["status"]["latest"]
        self.data(text)

        def is_read() -> bool:
            return bool(self.kube.get("dataset", "reading")["status"].get("latest") != before)

        self.kube.until("a new dataset version", is_read, 90)

    def train(self, name: str, estimator: Object = TREE, **more: Any) -> None:
        spec = {"datasetRef": {"name": "reading"}, "modelRef": {"name": "reading"}, **more}
        self.put("TrainingRun", name, spec | {"trainer": {"estimator": estimator}})
        self.kube.until_condition("trainingrun", name, seconds=150)

    def ask(self) -> int:
        return post(*self.kube.address("reading"), "/v2/models/reading/infer", ASKED)[0]

    def message(self, kind: str, name: str, type_: str) -> str:
        return str((condition(self.kube.get(kind, name), type_) or {}).get("message"))

    def champion(self) -> int | None:
        number: int | None = self.kube.get("model", "reading")["status"].get("champion")
        return number


def test_another_signature_is_told_and_not_promoted(kube: Kube) -> None:
    reading = Reading(kube, promotion="Automatic")
    reading.train("may")
    kube.until_condition("modeldeployment", "reading", seconds=120)
    assert reading.ask() == 200
    reading.new_data(JUNE)
    reading.train("june")
    kube.until_condition("modelversion", "reading-v2", "Approved", "False", "SignatureChanged", 30)
    assert "input 'reading' is BYTES, was FP32" in reading.message("modelversion", "reading-v2", "Approved")
    kube.until_condition("model", "reading", "ChampionAvailable", "True", "ChallengerNotApproved", 30)
    assert "BYTES, was FP32" in Scene(kube).event_note("Model", "reading", "ChallengerNotApproved")
    assert (reading.champion(), reading.ask()) == (1, 200)
    kube.patch("model", "reading", {"spec": {"pin": {"version": 2}}})
    kube.until("the pinned champion", lambda: reading.champion() == 2, 30)


def test_a_worse_version_is_told_and_not_promoted(kube: Kube) -> None:
    reading = Reading(kube, promotion="Automatic")
    reading.train("may")
    kube.until("the champion", lambda: reading.champion() == 1, 30)
    reading.train("worse", WORST)
    kube.until_condition("modelversion", "reading-v2", "Approved", "False", "GateFailed", 30)
    message = reading.message("modelversion", "reading-v2", "Approved")
    assert "NoWorseThanChampion: balanced_accuracy is 0.5, no better than the 0.5 of always answering" in message
    assert not kube.list("jobs", "modelyard.dev/modelversion=reading-v2"), "the rows are the champion's"
    reading.new_data(MORE)
    reading.train("worse-on-other-rows", WORSE, objective="log_loss", additionalMetrics=["balanced_accuracy"])
    kube.until_condition("modelversion", "reading-v3", "Approved", "False", "GateFailed", 90)
    assert "on the same" in reading.message("modelversion", "reading-v3", "Approved")
    assert reading.champion() == 1
    reading.train("as-good")
    kube.until("the champion that is as good", lambda: reading.champion() == 4, 90)


def test_the_first_version_waits_for_a_person(kube: Kube) -> None:
    reading = Reading(kube)
    reading.train("may")
    kube.until_condition("modeldeployment", "reading", "Ready", "False", "AwaitingPromotion", 30)
    message = reading.message("modeldeployment", "reading", "Ready")
    assert "version 1 waits to be promoted" in message
    assert "version 1 waits to be promoted" in Scene(kube).event_note("Model", "reading", "AwaitingPromotion")
    patch = message.partition("-p '")[2].partition("'")[0]
    kube.run("patch", "model", "reading", "--type=merge", "-p", patch)
    kube.until_condition("modeldeployment", "reading", seconds=120)
