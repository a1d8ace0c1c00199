"""Checks the other inputs: Parquet on a volume, a user's container, an imported model, and a suspended run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.client import Refused
from tests.support.kube import Kube, condition
from tests.support.mainjob import MainJob
from tests.support.pods import RUNTIME, local_volume, python_job

pytestmark = pytest.mark.cluster
WRITE = """
from sklearn.datasets import load_wine
import os
os.makedirs("/data/{folder}", exist_ok=True)
frame = load_wine(as_frame=True).frame
frame.iloc[:90].to_parquet("/data/{folder}/a.parquet"); frame.iloc[90:].to_parquet("/data/{folder}/b.parquet")
"""
NO_TOKEN = """
import os, pathlib
def read(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        return b""
found = [path for path in ("/modelyard/identity", "/var/run/secrets/modelyard") if os.path.exists(path)]
mounts = read("/proc/self/mountinfo").decode().splitlines()
assert any("/modelyard/out" in line for line in mounts), mounts
found += [line for line in mounts if "identity" in line or "serviceaccount" in line]
processes = [f"/proc/{number}/environ" for number in os.listdir("/proc") if number.isdigit()]
assert any(b"/modelyard/work" in read(path) for path in processes), processes
found += [path for path in processes if b"eyJ" in read(path)]  # any signed token begins so
seen = 0
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if f"{folder}/{name}" not in ("//proc", "//sys")]
    seen += len(files)
    found += [f"{folder}/{name}" for name in files if name == "token"]
    assert seen < 500_000
assert not found, found
"""
"""What a container of the user's own does first: it fails if there is a token anywhere."""
OWN = """
import numpy as np, pandas as pd
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
frame = pd.read_parquet("/modelyard/in/train.parquet")
features = frame.drop(columns="target").to_numpy(np.float32)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(features, frame["target"])
onnx = to_onnx(model, initial_types=None, X=features[:1], options={"zipmap": False})
for node in onnx.graph.node:
    node.input[:] = ["input" if name == "X" else name for name in node.input]
onnx.graph.input[0].name = "input"
open("/modelyard/out/model.onnx", "wb").write(onnx.SerializeToString())
"""
KIND = {"apiVersion": "modelyard.dev/v1alpha1"}


def put(kube: Kube, kind: str, name: str, spec: dict[str, Any]) -> None:
    kube.apply({**KIND, "kind": kind, "metadata": {"name": name, "namespace": kube.namespace}, "spec": spec})


def test_parquet_on_a_volume_a_container_and_an_import(kube: Kube) -> None:
    volume, folder = f"data-{kube.namespace}", kube.namespace
    kube.apply(*local_volume(volume, kube.namespace, "lake", "data"))
    try:
        kube.apply(python_job(kube.namespace, "write", WRITE.format(folder=folder), "lake"))
        kube.run("wait", "--for=condition=Complete", "job/write", "--timeout=60s")
        source = {"volume": {"claimName": "lake", "path": folder}}
        split = {"strategy": "Stratified", "test": 0.25}
        put(kube, "Dataset", "wine", {"source": source, "target": "target", "split": split})
        gates = [{"name": "good", "metric": "balanced_accuracy", "min": 0.9}]
        put(kube, "Model", "wine", {"task": "Classification", "promotion": "Automatic", "gates": gates})
        trainer = {"container": {"image": RUNTIME, "command": ["python", "-c", NO_TOKEN + OWN]}}
        run = {"datasetRef": {"name": "wine"}, "modelRef": {"name": "wine"}, "trainer": trainer}
        put(kube, "TrainingRun", "own", run)
        kube.run("wait", "--for=condition=Ready", "trainingrun/own", "--timeout=150s")
    finally:
        kube.delete("persistentvolume", volume)
    assert kube.get("dataset", "wine")["status"]["versions"] == 1
    kube.until("the champion", lambda: kube.get("model", "wine")["status"].get("champion") == 1, 30)
    version = kube.get("modelversion", "wine-v1")
    assert version["spec"]["metrics"]["balanced_accuracy"] > 0.9

    # A person imports the same bytes into another Model: a Job verifies and scores them before the version is Ready.
    put(kube, "Model", "imported", {"task": "Classification"})
    lineage = {"datasetVersion": version["spec"]["lineage"]["datasetVersion"]}
    artifact = version["spec"]["artifact"]
    spec = {"modelRef": {"name": "imported"}, "number": 7, "artifact": artifact, "lineage": lineage}
    put(kube, "ModelVersion", "imported-v7", spec)
    wrong = artifact | {"digest": "sha256:" + "0" * 64}
    put(kube, "ModelVersion", "imported-v8", spec | {"number": 8, "artifact": wrong})
    kube.until_condition("modelversion", "imported-v7", seconds=90)
    imported = kube.get("modelversion", "imported-v7")["status"]
    assert imported["metrics"]["balanced_accuracy"] == pytest.approx(version["spec"]["metrics"]["balanced_accuracy"])
    kube.until_condition("modelversion", "imported-v8", "Stalled", "True", "DigestMismatch", 60)
    kube.patch("model", "imported", {"spec": {"pin": {"version": 7}}})
    kube.until("the pinned champion", lambda: kube.get("model", "imported")["status"].get("champion") == 7, 30)


def test_a_suspended_run_stops_and_starts_anew(kube: Kube) -> None:
    job = MainJob(kube)
    job.put_data()
    for file in ("dataset.yaml", "model.yaml"):
        job.apply(file)
    kube.until_condition("dataset", "penguins")
    job.apply("trainingrun-2008.yaml")
    selector = "modelyard.dev/trainingrun=species-2008"
    kube.until("the training pod", lambda: kube.list("pods", selector), 60)
    kube.patch("trainingrun", "species-2008", {"spec": {"suspend": True}})
    kube.until_condition("trainingrun", "species-2008", "Suspended", "True", "Suspended", 60)
    assert condition(kube.get("trainingrun", "species-2008"), "Ready") is None, "nobody takes it for done"
    kube.until("no training pod", lambda: not kube.list("pods", selector), 60)
    with pytest.raises(Refused, match="has started is immutable"):
        kube.patch("trainingrun", "species-2008", {"spec": {"seed": 8}})
    kube.patch("trainingrun", "species-2008", {"spec": {"suspend": False}})
    kube.run("wait", "--for=condition=Ready", "trainingrun/species-2008", "--timeout=120s")
    run = kube.get("trainingrun", "species-2008")
    assert run["status"]["outputs"]["modelVersion"] == "species-v1"
    assert condition(run, "Complete")["status"] == "True"
