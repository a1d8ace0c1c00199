"""Checks PipelineSource: a commit in a real git server is tested, bundled and delivered; a red one is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard_api.kinds.pipelinesource import ACCEPTS
from tests.localcluster import access
from tests.support.addons import Registry
from tests.support.git_server import PASSWORD, USER, GitServer, git_server
from tests.support.kube import Kube, Object
from tests.support.namespace import new_namespace
from tests.support.scene import CSV
from tests.support.wheels import wheel

pytestmark = pytest.mark.cluster
KIND = "apiVersion: modelyard.dev/v1alpha1\nkind: "
DATASET = f"""{KIND}Dataset
metadata: {{name: flowers}}
spec: {{source: {{configMap: {{name: flowers, key: t.csv}}}}, target: y}}
"""
MODEL = f"{KIND}Model\nmetadata: {{name: flowers}}\nspec: {{task: Classification, promotion: Automatic}}\n"
RUN = f"""{KIND}TrainingRun
metadata: {{name: flowers-$(commit.short)}}
spec:
  datasetRef: {{name: flowers}}
  modelRef: {{name: flowers}}
  trainer: {{script: {{bundle: {{image: $(bundle.image)}}, entry: "acme.train:train"}}}}
  podTemplate: {{imagePullSecrets: [pull]}}
"""
DEPLOYMENT = (
    f"{KIND}ModelDeployment\nmetadata: {{name: flowers}}\nspec: {{modelRef: {{name: flowers, alias: champion}}}}\n"
)
TRAIN = """
import greeting
from sklearn.tree import DecisionTreeClassifier

def train(context):
    tree = DecisionTreeClassifier(max_depth=len(greeting.WORD), random_state=context.seed)
    return tree.fit(context.train[context.columns], context.train[context.target])
"""
TESTS = """
import socket
from types import SimpleNamespace
import pandas as pd
import pytest
from acme.train import train

def test_it_learns():
    table = pd.DataFrame({"a": [1.0, 2.0], "y": ["no", "yes"]})
    context = SimpleNamespace(train=table, columns=["a"], target="y", seed=1)
    assert list(train(context).predict(table[["a"]])) == ["no", "yes"]

def test_there_is_no_network():
    with pytest.raises(PermissionError):
        socket.create_connection(("10.96.0.1", 443))
"""
WHEELS = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/modelyard/bundle/src/wheels"}
RED = "import time\n\ndef test_shape():\n    assert (3, 2) == (2, 3)\n\ndef test_hangs():\n    time.sleep(600)\n"


@pytest.fixture(scope="module")
def server(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git"), access.address(cluster)) as server:
        yield server


def files() -> dict[str, str | bytes | None]:
    name, data, digest = wheel("greeting", {"greeting/__init__.py": "WORD = 'hello'\n"})
    return {
        "acme/__init__.py": "",
        "acme/train.py": TRAIN,
        "tests/test_train.py": TESTS,
        "lock.txt": f"greeting==1.0 --hash=sha256:{digest}\n",
        f"wheels/{name}": data,
        "manifests/dataset.yaml": DATASET,
        "manifests/model.yaml": MODEL,
        "manifests/run.yaml": RUN,
        "manifests/serve.yaml": DEPLOYMENT,
        "manifests/extra.yaml": MODEL.replace("flowers", "extra"),
    }


class Sourced:
    """A namespace with a source."""

    def __init__(self, kube: Kube, url: str, **spec: Any) -> None:
        self.kube = kube
        secret = {"username": USER, "password": PASSWORD}
        meta = {"name": "git", "namespace": kube.namespace}
        kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": secret})
        whole = {
            "git": {"url": url, "secretRef": {"name": "git"}, "pollEvery": "10s"},
            "build": {"requirements": "lock.txt"},
            "test": {"testTimeoutSeconds": 3},
            "bundle": {"repository": f"{Registry.open}/{kube.namespace}/churn", "plainHttp": True},
            "targets": [{"name": "here"}],
            "podTemplate": {"env": [{"name": key, "value": value} for key, value in WHEELS.items()]},
            **spec,
        }
        meta = {"name": "churn", "namespace": kube.namespace}
        api = {"apiVersion": "modelyard.dev/v1alpha1", "kind": "PipelineSource"}
        kube.apply({**api, "metadata": meta, "spec": whole})

    @property
    def status(self) -> Object:
        return dict((self.kube.get("pipelinesource", "churn") or {}).get("status") or {})

    def built(self, commit: str) -> Object:
        """Waits for the verdict on a commit, and returns what is known of its build."""

        def probe() -> Object | None:
            build = self.status.get("build") or {}
            return build if build.get("commit") == commit and "passed" in build else None

        return dict(self.kube.until(f"the verdict on {commit}", probe, 300))

    def delivered(self, commit: str) -> None:
        def probe() -> bool:
            targets = self.status.get("targets") or []
            return bool(targets) and all(
                (item.get("commit"), item["phase"]) == (commit, "Delivered") for item in targets
            )

        self.kube.until(f"{commit} on all targets", probe, 300)


def table(kube: Kube) -> None:
    meta = {"name": "flowers", "namespace": kube.namespace}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"t.csv": CSV}})


def names(kube: Kube, kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in kube.list(kind)}


def test_from_a_commit_to_a_registered_model(
    kube: Kube, other_namespace: Kube, server: GitServer, registry: Registry
) -> None:
    repository = server.repository("churn")
    first = repository.commit(files())
    table(kube)
    production = {"name": "production", "namespace": other_namespace.namespace}
    name = f"{kube.namespace}/churn"
    bundle = {"repository": f"{registry.locked}/{name}", "plainHttp": True, "secretRef": {"name": "push"}}
    kube.apply(registry.secret("push"))
    url = f"{server.url}/{repository.name}"
    sourced = Sourced(kube, url, bundle=bundle, targets=[{"name": "here"}, production])
    build = sourced.built(first)
    assert build["passed"], build
    assert build["checks"][0]["message"] == "2 tests passed"
    refused = kube.until_condition("pipelinesource", "churn", "Ready", "False", "DeliveryRefused", 60)
    assert f"{ACCEPTS}: {kube.namespace}" in refused["message"]
    assert not names(other_namespace, "modelyard")
    other_namespace.run("annotate", "namespace", other_namespace.namespace, f"{ACCEPTS}={kube.namespace}")
    sourced.delivered(first)
    kube.until_condition("pipelinesource", "churn", seconds=60)
    assert names(other_namespace, "models") == names(kube, "models") == {"flowers", "extra"}

    run = f"flowers-{first[:12]}"
    refused = kube.until_condition("trainingrun", run, "Ready", "False", "ImagePullFailed", 120)
    assert "spec.trainer.script.bundle.image" in refused["message"]
    assert "no basic auth" in refused["message"]
    kube.apply(registry.secret("pull"))
    kube.until_condition("trainingrun", run, "Ready", "True", seconds=240)
    assert names(kube, "modelversions") == {"flowers-v1"}
    trained = kube.get("trainingrun", run) or {}
    assert trained["spec"]["trainer"]["script"]["bundle"]["image"] == build["image"]
    kube.until_condition("modeldeployment", "flowers", "Ready", "True", seconds=240)

    repository.commit({"tests/test_red.py": RED})
    red = repository.run("rev-parse", "HEAD").strip()
    images = registry.seen(registry.locked)
    before = images.tags(name)
    failed = sourced.built(red)
    assert not failed["passed"]
    for word in ("2 of 4 tests failed", "tests.test_red::test_shape", "tests.test_red::test_hangs: Failed: Timeout"):
        assert word in failed["message"]
    assert images.tags(name) == before
    kube.until_condition("pipelinesource", "churn", "TestsPassed", "False", "TestsFailed")
    assert run in names(kube, "trainingruns"), "what was delivered stays"

    second = repository.commit({"tests/test_red.py": None, "manifests/extra.yaml": None})
    sourced.delivered(second)
    for namespace in (kube, other_namespace):
        namespace.until("it is pruned", lambda namespace=namespace: names(namespace, "models") == {"flowers"}, 60)
        namespace.until("another run", lambda namespace=namespace: names(namespace, "trainingruns") != {run}, 60)
    kube.until_condition("pipelinesource", "churn", "Delivered", "True", seconds=60)


@pytest.fixture
def other_namespace(cluster: str) -> Iterator[Kube]:
    with new_namespace(cluster) as kube:
        yield kube


def test_a_git_server_that_is_away_is_told_and_nothing_is_lost(kube: Kube, server: GitServer, tmp_path: Path) -> None:
    repository = server.repository("away")
    server.down = True
    try:
        sourced = Sourced(kube, f"{server.url}/{repository.name}")
        away = kube.until_condition("pipelinesource", "churn", "Fetched", "False", "GitUnavailable", 120)
        assert "503" in away["message"]
    finally:
        server.down = False
    commit = repository.commit({"manifests/m.yaml": MODEL, "lock.txt": ""})
    failed = sourced.built(commit)
    assert "pytest found no tests" in failed["message"]
