"""Checks 50 small models on the pods of one ModelPool: each gives its own answers, and one changes under load."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import infer
from tests.support.clients import Clients, Rest
from tests.support.kube import Kube, Object
from tests.support.models import above
from tests.support.namespace import new_namespace
from tests.support.scene import Scene
from tests.support.versions import Shelf

pytestmark = pytest.mark.cluster
MODEL, POOL, COUNT = "cut", "small", 50
CUTS = [5 * k + 2.5 for k in range(10)]
"""Version n answers "yes" where the feature ``a`` is above the n-th cut."""
PROBES = [float(a) for a in range(0, 60, 5)]


class Packed:
    """The ModelDeployments ``m0`` to ``m49``, of ten versions of one Model."""

    def __init__(self, kube: Kube) -> None:
        self.kube, self.scene = kube, Scene(kube)

    def prepare(self) -> None:
        Shelf(self.kube, MODEL).put(*(above(cut).data(f"cut {cut}") for cut in CUTS))

    def pack(self, replicas: int) -> None:
        self.scene.put("ModelPool", POOL, {"replicas": replicas})
        self.kube.apply(*(self.deployment(f"m{k}", 1 + k % len(CUTS)) for k in range(COUNT)))

    def deployment(self, name: str, version: int) -> Object:
        spec = {"modelRef": {"name": MODEL, "version": version}, "pool": POOL}
        meta = {"name": name, "namespace": self.kube.namespace}
        return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "ModelDeployment", "metadata": meta, "spec": spec}

    def stable(self) -> dict[str, int | None]:
        """Returns the stable version of each ModelDeployment that is Ready, by name."""
        ready = filter(_ready, self.kube.list("modeldeployment"))
        return {item["metadata"]["name"]: (item.get("status") or {}).get("stable") for item in ready}

    def served(self, seconds: float = 300) -> None:
        """Waits until all 50 are Ready and their addresses answer: kube-proxy doesn't report when it opens them."""
        self.kube.until("all are served", lambda: len(self.stable()) == COUNT, seconds, every=1)
        for name in self.stable():
            self.address(name)

    def pods(self) -> list[Object]:
        return self.kube.list("pods", f"modelyard.dev/modelpool={POOL}")

    def address(self, name: str) -> str:
        return self.kube.address(name)[0]

    def answers(self, name: str) -> tuple[int, list[Any]]:
        """Returns the version that answers and its labels for all of ``PROBES``."""
        status, answer = infer.post(self.address(name), 80, f"/v2/models/{name}/infer", request())
        assert status == 200, (name, answer)
        return int(answer["model_version"]), infer.labels(answer)


def request() -> dict[str, Any]:
    values = {"a": PROBES, "b": [1.0] * len(PROBES)}
    return {"inputs": [{"name": k, "datatype": "FP32", "shape": [len(v), 1], "data": v} for k, v in values.items()]}


def _answered_by(clients: Clients, version: int) -> bool:
    """Returns whether this version alone answered in the last second."""
    return set(clients.since(time.monotonic() - 1)) == {str(version)}


def _ready(obj: Object) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(
        item["type"] == "Ready"
        and item["status"] == "True"
        and item["observedGeneration"] == obj["metadata"]["generation"]
        for item in conditions
    )


@pytest.fixture(scope="module")
def packed(cluster: str) -> Iterator[Packed]:
    with new_namespace(cluster) as kube:
        packed = Packed(kube)
        packed.prepare()
        packed.pack(replicas=2)
        yield packed


def test_fifty_models_on_two_pods(packed: Packed) -> None:
    began = time.monotonic()
    packed.served()
    print(f"{COUNT} models were served after {time.monotonic() - began:.0f} s")
    assert len(packed.pods()) == 2
    assert [item["metadata"]["name"] for item in packed.kube.list("deployments")] == [f"{POOL}-pool"]
    pool = packed.kube.get("modelpool", POOL) or {}
    assert (pool["status"]["models"], pool["status"]["loaded"], pool["status"]["failed"]) == (COUNT, COUNT, 0)
    for k in range(COUNT):
        version, labels = packed.answers(f"m{k}")
        assert version == 1 + k % len(CUTS)
        assert labels == ["yes" if a > CUTS[version - 1] else "no" for a in PROBES], f"m{k}"


def test_a_version_changes_while_clients_ask(packed: Packed) -> None:
    packed.served()
    before = packed.stable()
    address = (packed.address("m0"), 80)
    with Clients(lambda: Rest(address, "m0", "m0", request())) as clients:
        packed.kube.until("answers", lambda: len(clients.answers) > 100, 30)
        for version in (7, 3):
            began = time.monotonic()
            packed.kube.apply(packed.deployment("m0", version))
            packed.kube.until(f"version {version}", lambda v=version: packed.stable().get("m0") == v, 180, every=0.5)
            took = time.monotonic() - began
            print(f"version {version} after {took:.1f} s")
            # The kubelet alone would take up to 1.5 minutes to pass the change on: the operator nudges the pods.
            assert took < 30
            packed.kube.until("no other answers", functools.partial(_answered_by, clients, version), 5)
    assert clients.failures == [], (len(clients.failures), clients.failures[:5])
    assert set(clients.since(0)) == {"1", "7", "3"}
    assert packed.stable() == before | {"m0": 3}
    assert packed.answers("m0")[1] == ["yes" if a > CUTS[2] else "no" for a in PROBES]


def test_what_is_deleted_is_served_no_more_and_the_others_are(packed: Packed) -> None:
    packed.served()
    host = packed.address("m1")
    packed.kube.run("delete", "modeldeployment", "m2", "--wait")
    path, body = "/v2/models/m2/infer", request()
    packed.kube.until("its end", lambda: infer.post(host, 80, path, body)[0] == 404, 60, every=1)
    packed.kube.until("the end of its Service", lambda: packed.kube.get("service", "m2") is None, 60)
    assert packed.answers("m1")[0] == 2
    packed.kube.apply(packed.deployment("m2", 3))
    packed.served(120)
    assert packed.answers("m2")[0] == 3


def test_pods_go_and_come_while_clients_ask(packed: Packed) -> None:
    packed.served()
    address = (packed.address("m5"), 80)
    with Clients(lambda: Rest(address, "m5", "m5", request())) as clients:
        names = {str(pod["metadata"]["name"]) for pod in packed.pods()}
        for name in sorted(names):
            packed.kube.run("delete", "pod", name, "--wait")
            packed.kube.run("rollout", "status", f"deployment/{POOL}-pool", "--timeout=240s")
    assert clients.failures == [], (len(clients.failures), clients.failures[:5])
    assert len(clients.answers) > 100
    packed.served(120)
