"""Checks a model that ONNX can't hold, from TrainingRun to answer: registered as Skops, served by scikit-learn."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.infer import labels
from tests.support.kube import Kube, condition
from tests.support.mainjob import GENTOO, MainJob

pytestmark = pytest.mark.cluster
KIND = {"apiVersion": "modelyard.dev/v1alpha1"}


def put(kube: Kube, kind: str, name: str, spec: dict[str, Any]) -> None:
    kube.apply({**KIND, "kind": kind, "metadata": {"name": name, "namespace": kube.namespace}, "spec": spec})


def test_what_onnx_can_not_hold_is_registered_and_served(kube: Kube) -> None:
    job = MainJob(kube)
    job.put_data()
    for file in ("dataset.yaml", "model.yaml", "modeldeployment.yaml"):
        job.apply(file)
    estimator = {
        "algorithm": "KNeighborsClassifier",
        "params": {"weights": "distance"},
        "features": {"numeric": {"scale": "Standard"}},
    }
    run = {"datasetRef": {"name": "penguins"}, "modelRef": {"name": "species"}, "trainer": {"estimator": estimator}}
    put(kube, "TrainingRun", "neighbours", run)
    kube.run("wait", "--for=condition=Ready", "trainingrun/neighbours", "--timeout=180s")
    trained = condition(kube.get("trainingrun", "neighbours"), "Trained")
    assert trained["reason"] == "StoredAsSkops"
    assert "weights 'uniform' alone" in trained["message"]
    kube.until_condition("modelversion", "species-v1", "Verified", seconds=30)
    version = kube.get("modelversion", "species-v1")
    assert version["spec"]["artifact"]["format"] == "Skops"
    assert "stored as skops" in condition(version, "Verified")["message"]
    job.wait_served(1)
    status, answer = job.infer([GENTOO, GENTOO | {"island": "an island never seen", "bill_length_mm": None}])
    assert status == 200, answer
    assert labels(answer)[0] == "Gentoo"
    assert len(labels(answer)) == 2

    # A model with a type that isn't allowed to be loaded: the run fails, names the type, and registers no version.
    params = {"metric": "canberra", "algorithm": "ball_tree"}
    wrong = {"estimator": {"algorithm": "KNeighborsClassifier", "params": params}}
    put(kube, "TrainingRun", "untyped", run | {"trainer": wrong})
    kube.until_condition("trainingrun", "untyped", "Stalled", "True", "TypeNotAllowed", 120)
    assert "CanberraDistance64" in condition(kube.get("trainingrun", "untyped"), "Stalled")["message"]
    assert kube.get("modelversion", "species-v2") is None
