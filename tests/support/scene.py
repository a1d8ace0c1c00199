"""A namespace with data and runs that wait until a test lets them finish, for tests of what may happen to pods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.common.say import CannotRun
from tests.localcluster import access
from tests.support.kube import Kube, Object, condition
from tests.support.pods import RUNTIME

CSV = "a,b,y\n" + "".join(f"{i},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(60))
FINAL = 2 / 3
"""The accuracy of a model that always predicts yes; a model that always predicts no has half of that."""
WAITS = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(4)  # as one that writes a checkpoint
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
from onnx import TensorProto as T, helper as h
def write(k):
    parts = [h.make_tensor("w", T.FLOAT, [2, 2], [0.0] * 4), h.make_tensor("b", T.FLOAT, [2], [1.0 - k, float(k)]),
             h.make_tensor("c", T.STRING, [2], [b"no", b"yes"])]
    nodes = [h.make_node("Gemm", ["input", "w", "b"], ["raw"]), h.make_node("Gather", ["c", "i"], ["label"]),
             h.make_node("ArgMax", ["raw"], ["i"], axis=1, keepdims=0)]
    info = h.make_tensor_value_info
    graph = h.make_graph([nodes[0], nodes[2], nodes[1]], "g", [info("input", T.FLOAT, [None, 2])],
                         [info("label", T.STRING, [None])], parts)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10)
    pathlib.Path("/modelyard/out/model.onnx").write_bytes(model.SerializeToString())
write(0)
print("waiting to be let go", flush=True)
while not pathlib.Path("/tmp/go").exists():
    time.sleep(0.2)
write(1)
"""
"""A trainer that writes an early model, and a better one once somebody has created /tmp/go in its pod."""


class Scene:
    def __init__(self, kube: Kube) -> None:
        self.kube = kube

    def put(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        meta = {"name": name, "namespace": self.kube.namespace}
        self.kube.apply({"apiVersion": "modelyard.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec})

    def table(self, name: str, text: str = CSV) -> None:
        meta = {"name": name, "namespace": self.kube.namespace}
        self.kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"t.csv": text}})

    def dataset(self, name: str = "good", text: str = CSV) -> None:
        self.table(name, text)
        source, split = {"configMap": {"name": name, "key": "t.csv"}}, {"strategy": "Stratified"}
        self.put("Dataset", name, {"source": source, "target": "y", "split": split})

    def run(self, name: str, program: str = WAITS, **spec: Any) -> None:
        """Applies a TrainingRun with a container that runs a Python program."""
        trainer = {"container": {"image": RUNTIME, "command": ["python", "-c", program]}}
        self.put(
            "TrainingRun", name, {"datasetRef": {"name": "good"}, "trainer": trainer, "objective": "accuracy"} | spec
        )

    def pods(self, name: str) -> list[Object]:
        """Returns the pods of a run, the newest last."""
        pods = self.kube.list("pods", f"modelyard.dev/trainingrun={name}")
        return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def running(self, name: str, but: str = "") -> str:
        """Waits until the program of one of the run's pods waits, except of pod ``but``. Returns the pod's name."""

        def probe() -> str | None:
            for pod in self.pods(name):
                pod_name = str(pod["metadata"]["name"])
                runs = any("running" in s["state"] for s in (pod.get("status") or {}).get("containerStatuses") or ())
                if pod_name == but or not runs or pod["metadata"].get("deletionTimestamp"):
                    continue
                if "waiting" in self.kube.run("logs", pod_name, "-c", "main"):
                    return pod_name
            return None

        return str(self.kube.until(f"a training pod of {name} that runs", probe, 240, every=1))

    def let_go(self, name: str, seconds: float = 240) -> Object:
        """Lets every pod finish that the run has or gets, and returns the run once it is Ready."""

        def probe() -> Object | None:
            for pod in self.pods(name):
                with suppress(CannotRun):  # the container doesn't run yet, or is gone
                    self.kube.run("exec", pod["metadata"]["name"], "-c", "main", "--", "touch", "/tmp/go")
            run = self.kube.get("trainingrun", name)
            ready = condition(run, "Ready") or {}
            assert not condition(run, "Failed"), ready
            return run if ready.get("status") == "True" else None

        return dict(self.kube.until(f"the end of {name}", probe, seconds, every=1))

    def event_note(self, kind: str, name: str, *reasons: str) -> str:
        """Waits for an Event with one of these reasons, and returns its note."""

        def probe() -> str | None:
            for event in self.kube.list("events.events.k8s.io"):
                about = event["regarding"]
                if (about["kind"], about["name"]) == (kind, name) and event["reason"] in reasons:
                    return str(event["note"])
            return None

        return str(self.kube.until(f"an event {' or '.join(reasons)} of {kind} {name}", probe, 180, every=0.5))

    def fails(self, name: str, reason: str, *says: str, seconds: float = 240) -> Object:
        """Waits until the run has failed for this reason, asserts that the message has all of ``says``, and returns
        the run."""
        failed = self.kube.until_condition("trainingrun", name, "Failed", "True", reason, seconds)
        for word in says:
            assert word in failed["message"], f"{name}: {word!r} is not in {failed['message']!r}"
        return dict(self.kube.get("trainingrun", name) or {})


@contextmanager
def cordoned(kube: Kube, node: str) -> Iterator[None]:
    """A context in which no new pod is placed on the node."""
    kube.run("cordon", node)
    try:
        yield
    finally:
        kube.run("uncordon", node)


def vacate(system: Kube, node: str) -> None:
    """Moves the pods of the namespace's Deployments from that node to others."""
    with cordoned(system, node):
        for pod in system.list("pods"):
            if pod["spec"].get("nodeName") == node:
                system.run("delete", "pod", pod["metadata"]["name"], "--wait")
        system.run("wait", "--for=condition=Available", "deployment", "--all", "--timeout=240s")


@contextmanager
def without_power(kube: Kube, n: int) -> Iterator[None]:
    access.node_stop(kube.cluster, n)
    try:
        yield
    finally:
        access.node_start(kube.cluster, n)


SYSTEM, TRACKING = "modelyard-system", "modelyard-tracking"


def kill_operator(cluster: str) -> None:
    """Kills the operator's pod without grace, like a crash; its Deployment creates another one."""
    system = Kube(cluster, SYSTEM)
    pods = system.list("pods", "app.kubernetes.io/name=modelyard-operator")
    assert pods, "there is no operator to kill"
    for pod in pods:
        system.delete("pod", pod["metadata"]["name"], gracePeriodSeconds=0)


@contextmanager
def without_tracking(cluster: str) -> Iterator[Kube]:
    """A context without a running tracking server; afterwards it is ready again in any case."""
    system = Kube(cluster, SYSTEM)
    system.run("scale", "deployment", TRACKING, "--replicas=0")
    try:
        gone = f"app.kubernetes.io/name={TRACKING}"
        system.until("the end of the tracking pod", lambda: not system.list("pods", gone), 90)
        yield system
    finally:
        system.run("scale", "deployment", TRACKING, "--replicas=1")
        system.run("rollout", "status", f"deployment/{TRACKING}", "--timeout=240s")


@contextmanager
def small_tracking_volume(cluster: str, mebibytes: int) -> Iterator[Kube]:
    """A context in which the tracking server has an empty volume of that size, in memory, instead of its own."""
    system = Kube(cluster, SYSTEM)
    # The volume gets a name of its own: whatever applies the installation again, even after a kill, heals the mount.
    _mount(system, "small", {"emptyDir": {"medium": "Memory", "sizeLimit": f"{mebibytes}Mi"}})
    try:
        yield system
    finally:
        _mount(system, "data", {"$patch": "delete"})


def _mount(system: Kube, volume: str, small: Object) -> None:
    """Mounts the volume of that name where the tracking server keeps its data, and changes the volume ``small``."""
    mounts = [{"mountPath": "/var/lib/mlflow", "name": volume}]
    spec = {"containers": [{"name": "tracking", "volumeMounts": mounts}], "volumes": [{"name": "small", **small}]}
    patch = json.dumps({"spec": {"template": {"spec": spec}}})
    system.run("patch", "deployment", TRACKING, "--type=strategic", f"--patch={patch}")
    system.run("rollout", "status", f"deployment/{TRACKING}", "--timeout=240s")
