"""Checks scripts on real nodes: an estimator returned, a model written, a mistake told, and a wheel installed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from modelyard_api.fields.artifact import sha256
from tests.support.kube import Object, condition
from tests.support.pods import RUNTIME
from tests.support.scene import Scene
from tests.support.wheels import write_wheel

pytestmark = pytest.mark.cluster
RETURNS = """
from answers import ANSWER
from sklearn.tree import DecisionTreeClassifier
def train(context):
    context.log("answer", ANSWER, step=1)
    tree = DecisionTreeClassifier(max_depth=context.parameters["depth"], random_state=context.seed)
    return tree.fit(context.train[context.columns], context.train[context.target])
"""
WRITES = """
import numpy as np
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
def train(context):
    rows = context.train[context.columns].to_numpy(np.float32)
    model = LogisticRegression(max_iter=500).fit(rows, context.train[context.target])
    onnx = to_onnx(model, X=rows[:1], options={"zipmap": False})
    for node in onnx.graph.node:
        node.input[:] = ["input" if name == "X" else name for name in node.input]
    onnx.graph.input[0].name = "input"
    context.out.joinpath("model.onnx").write_bytes(onnx.SerializeToString())
"""
MISTAKE = """
def train(context):
    depth = context.parameters["depht"]
"""


def put(scene: Scene, name: str, source: str, lock: str | None = None, **files: bytes) -> Object:
    """Applies a ConfigMap with a script. Returns the trainer of a run with it."""
    data = {"train.py": source} | ({"requirements.txt": lock} if lock else {})
    binary = {key: base64.b64encode(value).decode() for key, value in files.items()}
    meta = {"name": name, "namespace": scene.kube.namespace}
    scene.kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data, "binaryData": binary})
    keys = {"name": name, "key": "train.py"} | ({"requirements": "requirements.txt"} if lock else {})
    return {"script": {"configMap": keys, "parameters": {"depth": 3}}}


def serve_wheels(scene: Scene, folder: Path) -> tuple[str, str]:
    """Starts a server of one wheel. Returns its address and the wheel's line in a lock."""
    wheel = write_wheel(folder)
    namespace, labels = scene.kube.namespace, {"app": "wheels"}
    data = {wheel.name: base64.b64encode(wheel.read_bytes()).decode()}
    command = ["python", "-m", "http.server", "8000", "--directory", "/wheels"]
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    container = {
        "name": "main",
        "image": RUNTIME,
        "command": command,
        "securityContext": secure | {"seccompProfile": {"type": "RuntimeDefault"}},
        "volumeMounts": [{"name": "wheels", "mountPath": "/wheels"}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1},
    }
    volumes = [{"name": "wheels", "configMap": {"name": "wheels"}}]
    meta = {"name": "wheels", "namespace": namespace, "labels": labels}
    scene.kube.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "binaryData": data},
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container], "volumes": volumes}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta,
         "spec": {"selector": labels, "ports": [{"port": 8000}]}},
    )  # fmt: skip
    scene.kube.run("wait", "--for=condition=Ready", "pod/wheels", "--timeout=120s")
    return f"http://wheels.{namespace}.svc:8000/", f"answers==1.0 --hash={sha256(wheel.read_bytes())}"


def test_scripts_train_and_tell_their_mistakes(scene: Scene, tmp_path: Path) -> None:
    links, line = serve_wheels(scene, tmp_path)
    host = links.split("/")[2].split(":")[0]
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links, "PIP_TRUSTED_HOST": host}
    scene.put("Model", "answer", {"task": "Classification"})
    base = {"datasetRef": {"name": "good"}, "objective": "accuracy"}
    returns = put(scene, "returns", RETURNS, line)
    template = {"env": [{"name": key, "value": value} for key, value in env.items()]}
    scene.put(
        "TrainingRun", "returns", base | {"trainer": returns, "modelRef": {"name": "answer"}, "podTemplate": template}
    )
    later = {"script": {"configMap": {"name": "later", "key": "train.py"}}}
    scene.put("TrainingRun", "writes", base | {"trainer": later})
    scene.put("TrainingRun", "mistake", base | {"trainer": put(scene, "mistake", MISTAKE)})
    scene.kube.until_condition("trainingrun", "writes", "Ready", "False", "ScriptNotFound", 60)
    put(scene, "later", WRITES)

    scene.kube.until_condition("trainingrun", "mistake", "Stalled", "True", "ScriptFailed", 180)
    mistake = scene.kube.get("trainingrun", "mistake")
    said = "spec.trainer.script: train.py, line 3, in train: KeyError: 'depht'"
    assert condition(mistake, "Ready")["message"] == said
    assert len(scene.pods("mistake")) == 1, "it isn't tried again"

    for name in ("returns", "writes"):
        scene.kube.until_condition("trainingrun", name, seconds=240)
    run = scene.kube.get("trainingrun", "returns")["status"]
    assert run["scriptFiles"] == {"train.py": sha256(RETURNS.encode()), "requirements.txt": sha256(line.encode())}
    assert run["metrics"]["accuracy"] > 0.6
    version = scene.kube.get("modelversion", "answer-v1")
    assert version["spec"]["lineage"]["parameters"] == {"estimator": "DecisionTreeClassifier", "depth": 3}
    assert version["spec"]["lineage"]["sourceDigest"].startswith("sha256:")
    assert scene.kube.get("trainingrun", "writes")["status"]["format"] == "ONNX"
