"""Sweeps on real pods: one loses a worker, and another never gets its second one."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_api import API_VERSION
from tests.support.kube import Kube
from tests.support.mainjob import DATASET, MODEL, MainJob

pytestmark = pytest.mark.cluster
NAME, TRIALS = "search", 60
SPEC: dict[str, Any] = {
    "datasetRef": {"name": DATASET},
    "modelRef": {"name": MODEL},
    "objective": "balanced_accuracy",
    "sampler": {"seed": 7},
    "maxTrials": TRIALS,
    "parallelTrials": 2,
    "validation": {"folds": 2},
    "search": {
        "candidates": [
            {
                "algorithm": "DecisionTreeClassifier",
                "params": {"max_depth": {"values": [None, 2, 3]}, "min_samples_leaf": {"low": 1, "high": 20}},
            },
            {"algorithm": "GaussianNB"},
        ],
        "features": {"select": ["None", "FTest"], "keep": {"low": 3, "high": 7}},
    },
}


def status(kube: Kube) -> dict[str, Any]:
    return dict((kube.get("sweep", NAME) or {}).get("status") or {})


def start(kube: Kube, **spec: Any) -> None:
    kube.apply({"apiVersion": API_VERSION, "kind": "Sweep", "metadata": {"name": NAME}, "spec": {**SPEC, **spec}})


def put_data(kube: Kube) -> None:
    job = MainJob(kube)
    job.put_data()
    job.apply("dataset.yaml")
    job.apply("model.yaml")
    kube.until_condition("dataset", DATASET, seconds=240)


def test_a_worker_that_a_quota_refuses_is_told_and_not_needed(kube: Kube) -> None:
    """There is room for one pod: the first one searches alone, and the Sweep ends without the second."""
    put_data(kube)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}}
    kube.apply(quota)
    slow = {"algorithm": "RandomForestClassifier", "params": {"n_estimators": {"values": [500]}}}
    start(kube, maxTrials=10, validation={"folds": 5}, search={"candidates": [slow]})
    message = kube.until_condition("sweep", NAME, "Ready", "False", "QuotaExceeded")["message"]
    assert "1 of its 2 pods does not run, the others do: pods can't be created: exceeded quota: one" in message
    kube.run("wait", "--for=condition=Complete", f"sweep/{NAME}", "--timeout=300s")
    assert status(kube)["trials"]["succeeded"] == 10


def test_a_lost_worker_costs_no_trial(kube: Kube) -> None:
    put_data(kube)
    start(kube)
    kube.until("some trials", lambda: (status(kube).get("trials") or {}).get("succeeded", 0) >= 3, 240)
    (worker,) = kube.list("pods", "modelyard.dev/sweep,batch.kubernetes.io/job-completion-index=1")
    kube.run("delete", "pod", worker["metadata"]["name"], "--grace-period=0", "--force")
    kube.run("wait", "--for=condition=Complete", f"sweep/{NAME}", "--timeout=300s")
    ended = status(kube)
    assert ended["trials"]["running"] == 0
    assert ended["trials"]["succeeded"] + ended["trials"]["failed"] == TRIALS
    (version,) = kube.list("modelversions")
    assert ended["outputs"]["modelVersion"] == version["metadata"]["name"]
    run = kube.get("trainingrun", ended["outputs"]["trainingRun"])
    assert run is not None
    assert run["spec"]["trainer"]["estimator"]["algorithm"] == ended["best"]["params"]["algorithm"]
    assert version["spec"]["lineage"]["trainingRun"] == run["metadata"]["name"]
    assert ended["best"]["value"] > 0.9
    kube.until("its Service is gone", lambda: not kube.list("services", "modelyard.dev/sweep"), 60)
