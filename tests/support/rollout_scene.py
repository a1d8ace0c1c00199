"""A ModelDeployment behind a gateway, and versions of its model with behaviour that a rollout must notice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.addons import Gateway
from tests.support.clients import Clients, Connection, Grpc, Rest
from tests.support.kube import Kube, Object, condition
from tests.support.models import KINDS
from tests.support.scene import Scene
from tests.support.versions import Shelf

MODEL = "says"
ANALYSIS = {
    "every": "5s",
    "minRequests": 20,
    "metrics": [
        {"name": "errors", "metric": "ErrorRate", "max": 0.05},
        {"name": "outputs", "metric": "PredictionShift", "max": 0.2},
    ],
}
"""The analysis that judges the candidates of tests."""


def asked(b: float = 1.0) -> dict[str, Any]:
    values = {"a": 1.0, "b": b}
    return {"inputs": [{"name": k, "datatype": "FP32", "shape": [1], "data": [v]} for k, v in values.items()]}


class Rollouts:
    """One ModelDeployment, behind a gateway if one is given, of a model whose versions are of ``models.KINDS``."""

    def __init__(self, kube: Kube, gateway: Gateway | None = None) -> None:
        self.kube, self.gateway, self.scene = kube, gateway, Scene(kube)
        self.hostname = f"{kube.namespace}.example.com"

    def prepare(self, *kinds: str) -> None:
        graphs = {number: KINDS[kind]() for number, kind in enumerate(kinds, 1)}
        models = (graph.data(f"version {number}") for number, graph in graphs.items())
        Shelf(self.kube, MODEL).put(*models, columns={number: graph.columns for number, graph in graphs.items()})

    def deploy(self, version: int, replicas: int = 2, **rollout: Any) -> None:
        spec: Object = {"modelRef": {"name": MODEL, "version": version}, "replicas": replicas, "rollout": rollout}
        if self.gateway:
            spec["gateway"] = {**self.gateway.parent(), "hostname": self.hostname}
        self.scene.put("ModelDeployment", MODEL, spec)

    @property
    def status(self) -> Object:
        return (self.kube.get("modeldeployment", MODEL) or {}).get("status") or {}

    def until(self, what: str, seconds: float = 240, **expected: Any) -> float:
        """Waits until the status has these values, where None means a missing field. Returns the monotonic time."""

        def probe() -> bool:
            status = self.status
            return all(status.get(key) == value for key, value in expected.items())

        self.kube.until(what, probe, seconds, every=0.5)
        return time.monotonic()

    def serving(self, version: int, seconds: float = 240) -> float:
        return self.until(f"version {version} serves", seconds, stable=version, candidate=None)

    @contextmanager
    def clients(self, body: Any = None, **more: Any) -> Iterator[Clients]:
        """Yields clients that send requests meanwhile; at the end it asserts that no request has failed."""
        with self.asking(body, **more) as clients:
            yield clients
        assert not clients.failures, (len(clients.failures), clients.failures[:5])
        assert len(clients.answers) > 100

    def pods(self) -> list[Object]:
        """Returns the serving pods that are ready and not in deletion."""
        pods = self.kube.list("pods", f"modelyard.dev/modeldeployment={MODEL}")
        ready = [pod for pod in pods if (condition(pod, "Ready") or {}).get("status") == "True"]
        return [pod for pod in ready if not pod["metadata"].get("deletionTimestamp")]

    def until_ended(self) -> None:
        """Waits until no pod is in deletion, so that failures caused by a pod's end have happened by then."""

        def all_stay() -> bool:
            pods = self.kube.list("pods", f"modelyard.dev/modeldeployment={MODEL}")
            return not any(pod["metadata"].get("deletionTimestamp") for pod in pods)

        self.kube.until("the end of the pods that were told to end", all_stay, 90)

    def names(self) -> list[str]:
        return [str(pod["metadata"]["name"]) for pod in self.pods()]

    def whole(self, replicas: int) -> list[Object]:
        """Waits until exactly that many pods are ready, and returns them."""

        def probe() -> list[Object] | None:
            pods = self.pods()
            return pods if len(pods) == replicas else None

        return list(self.kube.until(f"{replicas} ready pods", probe, 240))

    def asking(
        self,
        body: Any = None,
        headers: dict[str, str] | None = None,
        rate: float = 60,
        connections: int = 4,
        by_grpc: bool = False,
        identified: bool = False,
    ) -> Clients:
        """Returns clients of the gateway, or of the plain Service if there is no gateway."""
        if self.gateway:
            address = (self.gateway.address, self.gateway.port)
        else:
            address = self.kube.address(MODEL, "grpc" if by_grpc else "http")

        def connect() -> Connection:
            if by_grpc:
                return Grpc(address, self.hostname, MODEL, body or asked())
            return Rest(address, self.hostname, MODEL, body or asked(), headers, identified)

        return Clients(connect, rate, connections)
