"""A ModelDeployment behind a gateway, and versions of its model that behave in ways a rollout must notice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modelyard.workload.server import GRPC_PORT
from tests.support.addons import Gateway
from tests.support.clients import Clients, Connection, Grpc, Rest
from tests.support.kube import Kube, Object, condition
from tests.support.ports import is_open
from tests.support.scene import Scene

MODEL = "says"
PROGRAM = """
import pathlib
import numpy as np
from onnx import TensorProto as T, helper as h, numpy_helper
def const(name, values, kind=np.float32):
    return numpy_helper.from_array(np.array(values, kind), name)
def node(kind, inputs, output, **more):
    return h.make_node(kind, inputs.split(), [output], **more)
parts = [const("w", [[0.0] * 2] * 2), const("zero", [0], np.int64), const("one", [1], np.int64)]
parts.append(h.make_tensor("c", T.STRING, [2], [b"no", b"yes"]))
nodes = [node("Gemm", "input w bias", "raw"), node("ArgMax", "raw", "i", axis=1, keepdims=0),
         node("Gather", "c i", "label")]
bias = [0.0, 1.0]
{more}
parts.append(const("bias", bias))
info = h.make_tensor_value_info
graph = h.make_graph(nodes, "g", [info("input", T.FLOAT, [None, 2])], [info("label", T.STRING, [None])], parts)
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10)
model.doc_string = "{name}"
pathlib.Path("/modelyard/out/model.onnx").write_bytes(model.SerializeToString())
"""
"""Always says yes; ``more`` changes that."""
KINDS = {
    "equal": "",
    "other": "bias = [1.0, 0.0]",
    # It looks up b in a list of seven: more than there ever was in the data is an error.
    "failing": """
parts += [h.make_tensor("seven", T.STRING, [7], [b"yes"] * 7), const("second", [1], np.int64)]
nodes = [node("Gather", "input second", "column", axis=1), node("Squeeze", "column one", "b"),
         node("Cast", "b", "i", to=T.INT64), node("Gather", "seven i", "label")]
""",
    # Some ten milliseconds of sines and more.
    "slow": """
parts.append(const("wide", np.zeros((2, 200_000))))
parts.append(const("none", [0.0]))
nodes = [node("MatMul", "input wide", "y0"), *(node("Sin", f"y{k}", f"y{k + 1}") for k in range(10)),
         node("ReduceMean", "y10 one", "mean", keepdims=1), node("Mul", "mean none", "nothing"),
         node("Gemm", "input w bias", "raw0"), node("Add", "raw0 nothing", "raw"), *nodes[1:]]
""",
    # A megabyte for each unit of b: a few hundred are more than the pod may have.
    "hungry": """
parts += [const("second", [1], np.int64), const("mega", [2.6e5]), const("none", [0.0])]
nodes = [node("Gather", "input second", "column", axis=1), node("ReduceMax", "column", "b", keepdims=0),
         node("Mul", "b mega", "size0"), node("Abs", "size0", "size1"), node("Cast", "size1", "size", to=T.INT64),
         node("ConstantOfShape", "size", "much", value=h.make_tensor("v", T.FLOAT, [1], [1.0])),
         node("ReduceMean", "much", "mean", keepdims=0), node("Mul", "mean none", "nothing"),
         node("Gemm", "input w bias", "raw0"), node("Add", "raw0 nothing", "raw"), *nodes[1:]]
""",
}
"""What the programs of versions do to the model."""


def asked(b: float = 1.0) -> dict[str, Any]:
    values = {"a": 1.0, "b": b}
    return {"inputs": [{"name": k, "datatype": "FP32", "shape": [1], "data": [v]} for k, v in values.items()]}


class Rollouts:
    """One ModelDeployment of one model, behind a gateway if one is given; its versions are of ``KINDS``, from 1 on."""

    def __init__(self, kube: Kube, gateway: Gateway | None = None) -> None:
        self.kube, self.gateway, self.scene = kube, gateway, Scene(kube)
        self.hostname = f"{kube.namespace}.example.com"

    def prepare(self, *kinds: str) -> None:
        self.scene.dataset()
        self.scene.put("Model", MODEL, {"task": "Classification"})
        for number, kind in enumerate(kinds, 1):
            program = PROGRAM.format(more=KINDS[kind], name=f"version {number}")
            self.scene.run(f"run-{number}", program, modelRef={"name": MODEL})
            self.kube.run("wait", "--for=condition=Ready", f"trainingrun/run-{number}", "--timeout=240s")
            self.kube.until(f"version {number}", lambda number=number: self.version(number), 60)

    def version(self, number: int) -> bool:
        found = condition(self.kube.get("modelversion", f"{MODEL}-v{number}"), "Ready")
        return bool(found and found["status"] == "True")

    def deploy(self, version: int, replicas: int = 2, **rollout: Any) -> None:
        spec: Object = {"modelRef": {"name": MODEL, "version": version}, "replicas": replicas, "rollout": rollout}
        if self.gateway:
            spec["gateway"] = {**self.gateway.parent(), "hostname": self.hostname}
        self.scene.put("ModelDeployment", MODEL, spec)

    @property
    def status(self) -> Object:
        return (self.kube.get("modeldeployment", MODEL) or {}).get("status") or {}

    def until(self, what: str, seconds: float = 240, **wanted: Any) -> float:
        """When the status says all of this; None: nothing there."""

        def probe() -> bool:
            status = self.status
            return all(status.get(key) == value for key, value in wanted.items())

        self.kube.until(what, probe, seconds, every=0.5)
        return time.monotonic()

    def serving(self, version: int, seconds: float = 240) -> float:
        return self.until(f"version {version} serves", seconds, stable=version, candidate=None)

    @contextmanager
    def clients(self, body: Any = None, **more: Any) -> Iterator[Clients]:
        """Of whom none may see a failure."""
        with self.asking(body, **more) as clients:
            yield clients
        assert not clients.failures, (len(clients.failures), clients.failures[:5])
        assert len(clients.answers) > 100

    def pods(self) -> list[Object]:
        """The serving pods that are ready and not on their way out."""
        found = self.kube.list("pods", f"modelyard.dev/modeldeployment={MODEL}")
        ready = [pod for pod in found if (condition(pod, "Ready") or {}).get("status") == "True"]
        return [pod for pod in ready if not pod["metadata"].get("deletionTimestamp")]

    def names(self) -> list[str]:
        return [str(pod["metadata"]["name"]) for pod in self.pods()]

    def whole(self, replicas: int) -> list[Object]:
        """The pods once that many are ready."""

        def probe() -> list[Object] | None:
            found = self.pods()
            return found if len(found) == replicas else None

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
        """Clients of the gateway, or without one of the plain Service."""
        if self.gateway:
            address = (self.gateway.address, self.gateway.port)
        else:
            service = self.kube.get("service", MODEL)
            assert service is not None
            address = (service["spec"]["clusterIP"], GRPC_PORT if by_grpc else 80)
            # kube-proxy opens it up to a second after Kubernetes' API says that it is there, and tells nobody.
            self.kube.until(f"{address[0]}:{address[1]} is open", lambda: is_open(address), 30)

        def connect() -> Connection:
            if by_grpc:
                return Grpc(address, self.hostname, MODEL, body or asked())
            return Rest(address, self.hostname, MODEL, body or asked(), headers, identified)

        return Clients(connect, rate, connections)
