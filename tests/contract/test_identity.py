"""Checks whom the tracking server takes for whom, with a real API server: its tokens, its reviews, its pods."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from modelyard_api.fields.artifact import SCHEME
from tests.common.paths import REPO
from tests.common.ports import own_address
from tests.localcluster import access
from tests.support.client import MERGE_PATCH, Client
from tests.support.identity import operators_token, token
from tests.support.kube import Kube
from tests.support.scene import SYSTEM
from tests.support.tracking import Tracking

pytestmark = pytest.mark.cluster
BASE = REPO / "manifests" / "base"
IDENTITIES = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding")


class Server:
    """The tracking server as it runs in a pod: with a token of its own, and the address of the API server."""

    def __init__(self, cluster: str, folder: Path) -> None:
        self.client, self.folder = Client(cluster), folder
        system = Kube(cluster, SYSTEM)
        for name in ("namespace.yaml", "operator.yaml", "tracking.yaml"):
            for obj in yaml.safe_load_all((BASE / name).read_text()):
                if obj["kind"] in IDENTITIES:
                    system.apply(obj)
        config = yaml.safe_load(access.kubeconfig(cluster).read_text())["clusters"][0]["cluster"]
        authority = config.get("certificate-authority-data")
        file = access.kubeconfig(cluster).parent / config.get("certificate-authority", "")
        (folder / "ca.crt").write_bytes(base64.b64decode(authority) if authority else file.read_bytes())
        self.show(token(self.client, SYSTEM, "modelyard-tracking", audience=""))
        parts = urlsplit(config["server"])
        environment = {"KUBERNETES_SERVICE_HOST": str(parts.hostname), "KUBERNETES_SERVICE_PORT": str(parts.port)}
        arguments = ("--host", "0.0.0.0", "--service-account", str(folder))
        self.tracking = Tracking(folder / "data", *arguments, environment=environment)

    def show(self, own: str) -> None:
        """Gives the server this token, with which it goes to the API server."""
        (self.folder / "token").write_text(own)

    def ask(self, bearer: str, path: str) -> int:
        """Returns the status of listing a folder of the store."""
        address = own_address()
        assert address is not None
        connection = http.client.HTTPConnection(address, int(self.tracking.url.rpartition(":")[2]), timeout=60)
        headers = {"Authorization": f"Bearer {bearer}", "Host": "localhost"}
        connection.request("GET", f"/api/2.0/mlflow-artifacts/artifacts?path={path}", headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture(scope="module")
def server(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(cluster, tmp_path_factory.mktemp("identity"))
    with server.tracking:
        yield server


class Pods:
    """Pods of a namespace that no node runs: their identity is all that counts."""

    def __init__(self, kube: Kube) -> None:
        self.client, self.namespace = kube.client, kube.namespace
        self._path = f"/api/v1/namespaces/{kube.namespace}/pods"
        kube.until("the default service account", lambda: kube.get("serviceaccount", "default"))

    def add(self, name: str, reads: str) -> Any:
        container = {
            "name": "main",
            "image": "none",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        annotations = {"modelyard.dev/reads": f"{SCHEME}{reads}"}
        spec = {
            "containers": [container],
            "automountServiceAccountToken": False,
            "nodeSelector": {"modelyard.dev/none": "none"},
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
        }
        metadata = {"name": name, "annotations": annotations}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        return self.client.must("POST", self._path, body)

    def token(self, pod: Any, audience: str = "modelyard") -> str:
        return token(self.client, self.namespace, "default", pod, audience)

    def end(self, pod: Any, phase: str) -> None:
        path = f"{self._path}/{pod['metadata']['name']}/status"
        self.client.must("PATCH", path, {"status": {"phase": phase}}, MERGE_PATCH)

    def delete(self, pod: Any) -> None:
        self.client.must("DELETE", f"{self._path}/{pod['metadata']['name']}", {"gracePeriodSeconds": 0})


@pytest.fixture
def pods(kube: Kube) -> Pods:
    return Pods(kube)


def test_a_pod_has_the_rights_of_its_namespace_and_annotations(server: Server, pods: Pods) -> None:
    own = f"modelyard/{pods.namespace}/uid"
    bearer = pods.token(pods.add("reads", own))
    assert [server.ask(bearer, path) for path in (own, f"{own}/model", f"{own}x", "modelyard/other/uid")] == [
        200,
        200,
        403,
        403,
    ]
    elsewhere = pods.token(pods.add("elsewhere", "modelyard/other/uid"))
    assert server.ask(elsewhere, "modelyard/other/uid") == 403


def test_tokens_of_no_pod_are_refused(server: Server, pods: Pods) -> None:
    own = f"modelyard/{pods.namespace}/uid"
    pod = pods.add("refused", own)
    good = pods.token(pod)
    head, body, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = json.dumps(claims | {"sub": f"system:serviceaccount:{SYSTEM}:modelyard-operator"}).encode()
    refused = {
        "for another audience": pods.token(pod, "vault"),
        "for the API server": pods.token(pod, "https://kubernetes.default.svc"),
        "bound to no pod": pods.token(None),
        "another's claims": ".".join((head, base64.urlsafe_b64encode(forged).decode().rstrip("="), signature)),
        "no signature": f"{head}.{body}.",
        "another signature": f"{head}.{body}.{signature[::-1]}",
    }
    answers = {what: server.ask(bearer, own) for what, bearer in refused.items()}
    assert answers == dict.fromkeys(refused, 401)
    assert server.ask(good, own) == 200


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_is_nobody(server: Server, pods: Pods, phase: str) -> None:
    own = f"modelyard/{pods.namespace}/uid"
    pod = pods.add("ends", own)
    bearer = pods.token(pod)
    pods.end(pod, phase)
    assert server.ask(bearer, own) == 401


def test_a_pod_that_is_gone_is_nobody_whoever_has_its_name(server: Server, pods: Pods) -> None:
    own = f"modelyard/{pods.namespace}/uid"
    pod = pods.add("goes", own)
    first, second = pods.token(pod), pods.token(pod)
    pods.delete(pod)
    assert server.ask(first, own) == 401
    successor = pods.add("goes", own)
    assert server.ask(second, own) == 401
    assert server.ask(pods.token(successor), own) == 200


def test_the_operator_reads_every_namespace(server: Server, pods: Pods) -> None:
    assert server.ask(operators_token(server.client), f"modelyard/{pods.namespace}/uid") == 200


def test_while_the_api_server_doesn_t_answer_clients_ask_again(server: Server, pods: Pods) -> None:
    own = f"modelyard/{pods.namespace}/uid"
    bearer = pods.token(pods.add("waits", own))
    before = (server.folder / "token").read_text()
    server.show("not.a.token")
    assert server.ask(bearer, own) == 503
    server.show(before)
    assert server.ask(bearer, own) == 200
