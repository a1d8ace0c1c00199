"""Seconds from apply to a ready ModelVersion, compared with a bare Job that trains the same model.

Both clocks start before the create request is sent and stop at the watch event: ``Complete`` of the bare Job, ``Ready``
of the ModelVersion. Both use the same image, Parquet and pipeline, and run in alternating pairs in one namespace.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from modelyard.engine.resource import JOBS, MODEL_VERSIONS, TRAINING_RUNS
from modelyard.workload import template
from modelyard_api.fields.artifact import http_url
from modelyard_api.wire.identity import READS
from modelyard_api.wire.task import WORK_FOLDER
from tests.support.client import Client
from tests.support.kube import Kube, condition
from tests.support.mainjob import EXAMPLES, MainJob
from tests.support.namespace import new_namespace

IMAGE = "localhost/modelyard/runtime:dev"
TRACKING = "http://modelyard-tracking.modelyard-system.svc:5000"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="modelyard", help="the cluster, with Modelyard installed [modelyard]")
    parser.add_argument("--pairs", type=int, default=20, help="alternating pairs [20]")


def run(options: argparse.Namespace) -> dict[str, Any]:
    client = Client(options.name)
    # Numbers of versions outlive their objects, so only a new namespace begins with the first one.
    with new_namespace(options.name) as kube:
        ours, bare = _pairs(options.pairs, client, kube)
    differences = [a - b for a, b in zip(ours, bare, strict=True)]
    return {
        "benchmark": "run-overhead",
        "pairs": options.pairs,
        "run_seconds": round(statistics.median(ours), 3),
        "bare_job_seconds": round(statistics.median(bare), 3),
        "difference_seconds": round(statistics.median(differences), 3),
        "all_run_seconds": [round(value, 3) for value in ours],
        "all_bare_job_seconds": [round(value, 3) for value in bare],
    }


def _pairs(pairs: int, client: Client, kube: Kube) -> tuple[list[float], list[float]]:
    """Returns the seconds of each TrainingRun and of each bare Job, without those of a first pair that warms up."""
    job = MainJob(kube)
    job.put_data()
    dataset = yaml.safe_load((EXAMPLES / "dataset.yaml").read_text())
    dataset["spec"].pop("checkEvery")
    kube.apply(dataset | {"metadata": {"name": "penguins", "namespace": kube.namespace}})
    job.apply("model.yaml")
    print("waiting for the dataset", flush=True)
    kube.until_condition("dataset", "penguins", seconds=180)
    version = kube.get("datasetversion", kube.get("dataset", "penguins")["status"]["latest"])
    ours, bare = [], []
    for pair in range(-1, pairs):
        first, second = (
            _time_run(client, kube.namespace, pair + 2),
            _time_bare(client, kube.namespace, pair + 2, version),
        )
        if pair < 0:
            print(f"warm-up: TrainingRun {first:.2f} s, bare Job {second:.2f} s", flush=True)
            continue
        ours.append(first)
        bare.append(second)
        print(f"pair {pair + 1} of {pairs}: TrainingRun {first:.2f} s, bare Job {second:.2f} s", flush=True)
    return ours, bare


def _time_run(client: Client, namespace: str, number: int) -> float:
    body = yaml.safe_load((EXAMPLES / "trainingrun-2008.yaml").read_text())
    body["metadata"] = {"name": f"run-{number}", "namespace": namespace}
    events = client.watch(MODEL_VERSIONS.path(namespace))
    begin = time.monotonic()
    client.must("POST", TRAINING_RUNS.path(namespace), body)
    name = f"species-v{number}"
    return _until(events, lambda obj: obj["metadata"]["name"] == name and _true(obj, "Ready")) - begin


def _time_bare(client: Client, namespace: str, number: int, version: dict[str, Any]) -> float:
    uri, target = version["spec"]["uri"], version["spec"]["target"]
    base = http_url(TRACKING, uri)
    script = Path(__file__).with_name("bare_job.py").read_text()
    mounts = [{"name": "work", "mountPath": WORK_FOLDER}, template.IDENTITY_MOUNT]
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["python", "-c", script, base, target],
        "volumeMounts": mounts,
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "work", "emptyDir": {}}, template.identity_volume()],
    }
    metadata = {"name": f"bare-{number}", "namespace": namespace}
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"template": {"metadata": {"annotations": {READS: uri}}, "spec": pod}, "backoffLimit": 0},
    }
    events = client.watch(JOBS.path(namespace))
    begin = time.monotonic()
    client.must("POST", JOBS.path(namespace), body)
    return _until(events, lambda obj: obj["metadata"]["name"] == f"bare-{number}" and _true(obj, "Complete")) - begin


def _true(obj: dict[str, Any], type_: str) -> bool:
    item = condition(obj, type_)
    failed = condition(obj, "Failed") or condition(obj, "Stalled")
    if failed and failed["status"] == "True":
        raise RuntimeError(f"{obj['metadata']['name']} failed: {failed['message']}")
    return bool(item and item["status"] == "True")


def _until(events: Iterator[dict[str, Any]], is_reached: Callable[[dict[str, Any]], bool]) -> float:
    for event in events:
        if is_reached(event["object"]):
            return time.monotonic()
    raise TimeoutError("the watch ended before the object was ready")
