"""Checks a batch prediction on real nodes: the answers of the pods that serve, and one version whatever dies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from modelyard_api.fields.artifact import TRAIN_PARQUET
from modelyard_models.tolerance import are_same
from tests.support.documentation import ROOT
from tests.support.kube import Kube, Object
from tests.support.mainjob import EXAMPLES, FIRST_DATA, MainJob
from tests.support.scene import kill_operator
from tests.support.versions import artifact_store

pytestmark = pytest.mark.cluster
BATCH = ROOT / "manifests/examples/batch"
NAME = "new-penguins"


def rows_of(kube: Kube, version: str) -> list[dict[str, Any]]:
    """Returns all rows of a DatasetVersion without a target, from the artifact store."""
    spec = kube.get("datasetversion", version)["spec"]
    assert spec["testRows"] == 0
    return list(pq.read_table(io.BytesIO(artifact_store(kube).read(f"{spec['uri']}/{TRAIN_PARQUET}"))).to_pylist())


def delete_its_pod(kube: Kube) -> None:
    def probe() -> list[Object]:
        return kube.list("pods", f"modelyard.dev/batchprediction={NAME}")

    (pod, *_) = kube.until("the pod of the run", probe, 120, every=0.2)
    kube.delete("pod", pod["metadata"]["name"])


def test_a_batch_answers_as_the_server_and_makes_one_version_whatever_dies(kube: Kube) -> None:
    job = MainJob(kube)
    job.apply_all()
    meta = {"name": NAME, "namespace": kube.namespace}
    table = {"penguins.csv": (EXAMPLES / FIRST_DATA).read_text()}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": table})
    for file in ("datasets.yaml", "batchprediction.yaml"):
        kube.run("apply", "--server-side", "-f", str(BATCH / file))
    kube.until_condition("dataset", "scored", "Ready", "False", "NothingPushed", 120)
    delete_its_pod(kube)
    kill_operator(kube.cluster)
    kube.until_condition("batchprediction", NAME, seconds=300)
    status = kube.get("batchprediction", NAME)["status"]
    assert (status["rows"], status["badRows"], status["inputs"]["modelVersion"]) == (224, 0, "species-v1")
    made = [item for item in kube.list("datasetversions") if item["spec"]["datasetRef"]["name"] == "scored"]
    assert [item["metadata"]["name"] for item in made] == [status["outputs"]["datasetVersion"]]
    assert made[0]["spec"]["origin"]["kind"] == "BatchPrediction"
    kube.until_condition("dataset", "scored", "Ready", "True", "VersionAccepted", 60)
    assert kube.get("dataset", "scored")["status"]["latest"] == made[0]["metadata"]["name"]

    job.wait_served(1)
    rows, answers = rows_of(kube, status["inputs"]["datasetVersion"]), rows_of(kube, made[0]["metadata"]["name"])
    code, online = job.infer(rows)
    assert (code, len(answers)) == (200, len(rows))
    outputs = {output["name"]: output for output in online["outputs"]}
    assert [answer["label"] for answer in answers] == outputs["label"]["data"]
    names = [name for name in answers[0] if name.startswith("probability_")]
    for position, answer in enumerate(answers):
        row = outputs["probabilities"]["data"][len(names) * position : len(names) * (position + 1)]
        assert [answer["island"], answer["body_mass_g"]] == [rows[position]["island"], rows[position]["body_mass_g"]]
        assert are_same(np.array([answer[name] for name in names]), row), position
