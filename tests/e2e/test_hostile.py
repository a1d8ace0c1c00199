"""Checks that a hostile tenant gets at nothing that isn't its own: a real container makes each of the attempts."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import Any

import pytest

from modelyard_api.fields.artifact import SCHEME
from tests.common.paths import REPO
from tests.harness.hostile.attempts import ATTEMPTS, CONTROLS, Attempt
from tests.support.kube import Kube
from tests.support.pods import RUNTIME
from tests.support.scene import SYSTEM, Scene

pytestmark = pytest.mark.cluster
PROGRAM = (REPO / "tests/harness/hostile/program.py").read_text()
AUDIENCE = "modelyard"


def victim_of(scene: Scene) -> dict[str, str]:
    """Makes data, a model and a server, and returns their addresses."""
    scene.dataset()
    scene.put("Model", "species", {"task": "Classification", "promotion": "Automatic"})
    trainer = {"estimator": {"algorithm": "LogisticRegression"}}
    scene.put(
        "TrainingRun", "first", {"datasetRef": {"name": "good"}, "modelRef": {"name": "species"}, "trainer": trainer}
    )
    scene.put("ModelDeployment", "species", {"modelRef": {"name": "species", "alias": "champion"}, "replicas": 1})
    kube = scene.kube
    kube.until_condition("modeldeployment", "species", seconds=300)
    run, version = kube.get("trainingrun", "first"), kube.get("modelversion", "species-v1")
    assert run
    assert version
    experiment, tracked = re.findall(r"experiments/(\d+)/runs/(\w+)", run["status"]["trackingURL"])[0]
    return {
        "victim": kube.namespace,
        "data": _path(_data(kube)),
        "model": _path(version["spec"]["artifact"]["uri"]),
        "result": _path(run["status"]["resultURI"]),
        "run": tracked,
        "experiment": experiment,
        "experiment_name": f"modelyard/{kube.namespace}/species",
        "server": f"http://species.{kube.namespace}.svc",
    }


def _data(kube: Kube) -> str:
    (version,) = kube.list("datasetversions")
    return str(version["spec"]["uri"])


def _path(uri: str) -> str:
    return uri.removeprefix(SCHEME)


def token(kube: Kube, pod: str | None = None, *audiences: str) -> str:
    """Returns a token of the namespace's default service account, bound to a pod."""
    spec: dict[str, Any] = {"audiences": list(audiences), "expirationSeconds": 600}
    if pod:
        meta = (kube.get("pod", pod) or {})["metadata"]
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": meta["uid"]}
    path = f"/api/v1/namespaces/{kube.namespace}/serviceaccounts/default/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return str(kube.client.must("POST", path, request)["status"]["token"])


def forged(real: str) -> str:
    """Returns a token with the claims of a real one and another signature."""
    head, claims, _ = real.split(".")
    return f"{head}.{claims}.{base64.urlsafe_b64encode(b'x' * 256).decode().rstrip('=')}"


def gone(kube: Kube) -> str:
    """Returns the token of a pod that has been deleted."""
    confined = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "main", "image": RUNTIME, "command": ["sleep", "300"], "securityContext": confined}
    user = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    meta = {"name": "gone", "namespace": kube.namespace, "annotations": {"modelyard.dev/reads": f"{SCHEME}modelyard"}}
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": meta,
            "spec": {"securityContext": user, "containers": [container]},
        }
    )
    result = token(kube, "gone", AUDIENCE)
    kube.delete("pod", "gone", gracePeriodSeconds=0)
    kube.until("the end of the pod", lambda: kube.get("pod", "gone") is None, 60)
    return result


def ended(kube: Kube) -> str:
    """Returns the token of the pod that has read the data, which is kept for its log."""
    pods = [pod for pod in kube.list("pods", "modelyard.dev/dataset=good") if pod["status"]["phase"] == "Succeeded"]
    return token(kube, pods[0]["metadata"]["name"], AUDIENCE)


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**names)
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    return [filled(item, names) for item in value] if isinstance(value, list) else value


def outcomes(kube: Kube, pod: str, tries: list[Attempt], names: dict[str, str]) -> list[int]:
    """Has the container make the attempts, and returns what came of each."""
    wire = [{name: filled(value, names) for name, value in dataclasses.asdict(each).items()} for each in tries]
    for item in wire:
        item.pop("expected")
    kube.run("exec", "-i", pod, "-c", "main", "--", "sh", "-c", "cat > /tmp/attempts.json", text=json.dumps(wire))
    kube.run("exec", pod, "-c", "main", "--", "touch", "/tmp/go")

    def lines() -> list[str]:
        log = kube.run("logs", pod, "-c", "main")
        return [line for line in log.splitlines() if line.startswith("outcomes ")]

    return list(json.loads(kube.until("the outcomes", lines, 240, every=1)[0].removeprefix("outcomes ")))


def test_a_hostile_tenant_gets_at_nothing(scene: Scene, other: Scene) -> None:
    kube, names = scene.kube, victim_of(other)
    scene.run("hostile", PROGRAM, backoffLimit=0)
    pod = scene.running("hostile")
    uid = (kube.get("trainingrun", "hostile") or {})["metadata"]["uid"]
    system = Kube(kube.cluster, SYSTEM)
    (operator,) = system.list("pods", "app.kubernetes.io/name=modelyard-operator")
    own = token(kube, pod, AUDIENCE)
    names |= {
        "own": kube.namespace,
        "own_data": _path(_data(kube)),
        "own_result": f"modelyard/{kube.namespace}/{uid}/result.json",
        "own_experiment": f"modelyard/{kube.namespace}/hostile",
        "own_token": own,
        "forged_token": forged(own),
        "api_token": token(kube, pod),
        "loose_token": token(kube, None, AUDIENCE),
        "gone_token": gone(kube),
        "ended_token": ended(kube),
        "tracking": f"http://modelyard-tracking.{SYSTEM}.svc:5000",
        "api": "https://kubernetes.default.svc",
        "operator": f"http://{operator['status']['podIP']}:8080",
    }
    tries = [*ATTEMPTS, *CONTROLS]
    codes = outcomes(kube, pod, tries, names)
    wrong = [
        f"{each.what}: {code}, not {each.expected if not each.file else 'no file'}"
        for each, code in zip(tries, codes, strict=True)
        if code not in ((0,) if each.file else each.expected)
    ]
    assert not wrong, "\n".join(wrong)
    scene.fails("hostile", "ContainerFailed")
    # What was attacked is as before: another pod finds the same bytes, and the result still tells of the run.
    victim = other.kube
    victim.run("delete", "pod", "--selector=modelyard.dev/modeldeployment=species", "--wait")
    victim.run("rollout", "status", "deployment", "--selector=modelyard.dev/modeldeployment=species", "--timeout=180s")
    victim.until_condition("modeldeployment", "species", seconds=120)
