"""Builds the training runs that the benchmark applies, with the user's own container, and their pods' results."""

from __future__ import annotations

from typing import Any

from modelyard_api.fields.artifact import sha256
from modelyard_api.wire.task import ANNOTATION, TrainTask
from tests.kinds import SAMPLES
from tests.kinds.datasetversion import VERSION

Object = dict[str, Any]


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def run(namespace: str, number: int) -> Object:
    container = {"image": "localhost/trainer:1", "command": ["python", "train.py"], "args": ["--depth", "3"]}
    trainer = {"estimator": None, "container": container}
    change = {"datasetRef": {"version": VERSION}, "trainer": trainer, "suspend": None}
    return SAMPLES["TrainingRun"].make(change, f"run-{number}", namespace)


def train_result(job: Object) -> tuple[str, Object]:
    """Returns the URI and the document of the result that the pod of this Job would write."""
    task = TrainTask.model_validate_json(job["spec"]["template"]["metadata"]["annotations"][ANNOTATION])
    artifact = {"artifactURI": f"{task.base_uri}/model", "artifactDigest": sha256(task.base_uri.encode())}
    return task.result_uri, SAMPLES["TrainingRun"].good_result | artifact
