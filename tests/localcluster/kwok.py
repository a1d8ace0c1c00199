"""A cluster whose nodes KWOK plays, besides kind's real control plane. Pods run no program there.

It is for tests and benchmarks of controllers alone: it has room for tens of thousands of pods. A pod runs and is Ready
as soon as it has a node; it ends when an annotation says how (see ``stages.yaml``).
"""

import os
import signal
from pathlib import Path

import yaml

from . import access, binaries, engine, kind
from .paths import HERE, locked
from .say import CannotRun, say

FINISH = "kwok.modelyard.dev/finish"
"""The annotation of a pod with the phase in which it ends, `Succeeded` or `Failed`."""
_PLAYED = "kwok.x-k8s.io/node"
_STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "played", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kubernetes.io/host-path",
}
"""Volumes that the controller-manager makes at once; they can't grow."""


def up(name: str) -> None:
    """Starts the cluster, or what of it does not run."""
    with locked(f"cluster-{name}"):
        if kind.exists(name) and not kind.played(name):
            raise CannotRun(f"The nodes of {name} are real: choose another name for a cluster whose nodes are played.")
        kwok = binaries.build(binaries.kwok()) / "kwok"
        kind.up(name, "played.yaml")
        node = kind.container(name, kind.CONTROL_PLANE)
        if "kwok" not in engine.docker("top", node, "-eo", "pid,comm").split():
            _play(node, kwok)
        nodes = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": played_node(name, n), "annotations": {_PLAYED: "fake"}},
            }
            for n in kind.WORKERS
        ]
        access.kubectl(name, "apply", "--server-side", "-f", "-", input=yaml.safe_dump_all([*nodes, _STORAGE_CLASS]))
        for each in nodes:
            access.wait(name, f"node/{each['metadata']['name']}", "condition=Ready")  # type: ignore[index]
        # Nothing restarts what a benchmark pauses, and nothing but the control plane uses the machine.
        engine.docker("exec", node, "systemctl", "stop", "kubelet")
        say(f"KWOK plays the nodes of {name}")


def played_node(name: str, n: int) -> str:
    """Returns the name of the played node n."""
    return f"{name}-{n}"


def process(name: str, daemon: str) -> int:
    """Returns the pid on this machine of a program of the control plane, say ``kube-apiserver``."""
    return kind.process(name, kind.CONTROL_PLANE, daemon)


def pause(name: str, daemon: str, on: bool) -> None:
    """Pauses a program of the control plane (say ``kube-controller-manager``), or resumes it."""
    os.kill(process(name, daemon), signal.SIGSTOP if on else signal.SIGCONT)


def _play(node: str, kwok: Path) -> None:
    """Starts KWOK beside the control plane."""
    for file in (kwok, HERE / "stages.yaml"):
        engine.docker("cp", str(file), f"{node}:/usr/local/bin/")
    flags = [
        "--kubeconfig=/etc/kubernetes/admin.conf",
        "--config=/usr/local/bin/stages.yaml",
        "--node-lease-duration-seconds=40",
    ]
    flags += [f"--manage-nodes-with-annotation-selector={_PLAYED}=fake", "--cidr=10.244.0.0/16"]
    engine.docker("exec", "--detach", node, "sh", "-c", f"exec kwok {' '.join(flags)} >/var/log/kwok.log 2>&1")
