"""What the benchmark applies: one accepted DatasetVersion, and training runs with a container of the user's own."""

from __future__ import annotations

import hashlib
from typing import Any

from modelyard_api.fields.artifact import RESULT_JSON
from modelyard_api.wire.task import ANNOTATION, TrainTask

Object = dict[str, Any]
DATA_ID = hashlib.sha256(b"bench").hexdigest()
DATA_URI = f"mlflow-artifacts:/modelyard/bench/data/{DATA_ID}"
VERSION = f"table-{DATA_ID[:10]}"
_SIGNATURE = {
    "inputs": [{"name": "x", "datatype": "FP32"}],
    "outputs": [{"name": "label", "datatype": "BYTES", "shape": [-1]}],
    "classes": ["no", "yes"],
}
_COLUMNS = [{"name": f"x{i}", "type": "Float", "missing": 0} for i in range(20)] + [
    {"name": "label", "type": "Category"}
]


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def dataset(namespace: str) -> Object:
    spec = {"source": {"configMap": {"name": "table", "key": "t.csv"}}, "target": "label", "suspend": True}
    return _ours("Dataset", namespace, "table", spec)


def version(namespace: str) -> Object:
    spec = {
        "datasetRef": {"name": "table"},
        "digest": f"sha256:{DATA_ID}",
        "uri": DATA_URI,
        "rows": 1000,
        "testRows": 200,
        "bytes": 40960,
        "target": "label",
        "columns": _COLUMNS,
        "split": {},
    }
    return _ours("DatasetVersion", namespace, VERSION, spec)


def ingest_result() -> tuple[str, Object]:
    """The result's URI and document, as the pod that made the version leaves it."""
    result = {
        "kind": "Ingest",
        "accepted": True,
        "versionId": DATA_ID,
        "uri": DATA_URI,
        "digest": f"sha256:{DATA_ID}",
        "rows": 1000,
        "testRows": 200,
        "bytes": 40960,
        "target": "label",
        "columns": _COLUMNS,
    }
    return f"{DATA_URI}/{RESULT_JSON}", result


def run(namespace: str, number: int) -> Object:
    container = {"image": "localhost/trainer:1", "command": ["python", "train.py"], "args": ["--depth", "3"]}
    spec = {"datasetRef": {"name": "table", "version": VERSION}, "trainer": {"container": container}}
    return _ours("TrainingRun", namespace, f"run-{number}", spec)


def train_result(job: Object) -> tuple[str, Object]:
    """The result's URI and document, as the pod of this Job would leave it."""
    task = TrainTask.model_validate_json(job["spec"]["template"]["metadata"]["annotations"][ANNOTATION])
    result = {
        "kind": "Train",
        "task": "Classification",
        "artifactURI": f"{task.base_uri}/model",
        "artifactDigest": "sha256:" + hashlib.sha256(task.base_uri.encode()).hexdigest(),
        "artifactBytes": 1000,
        "signature": _SIGNATURE,
        "objective": "balanced_accuracy",
        "metrics": {"balanced_accuracy": 0.93, "log_loss": 0.3},
        "sourceDigest": f"sha256:{DATA_ID}",
        "parameters": {"depth": 3},
    }
    return task.result_uri, result


def _ours(kind: str, namespace: str, name: str, spec: Object) -> Object:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
