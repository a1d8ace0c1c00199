"""Checks the embedded cluster's promises on a scratch cluster that no other test uses, and that leaves no traces."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localcluster import network, store
from tests.localcluster.embedded import Embedded
from tests.localcluster.paths import REPO, state
from tests.localcluster.say import run, until

pytestmark = pytest.mark.cluster

NAME = "modelyard-scratch"
MOUNT_POINTS = ("/var/lib/kubelet", "/var/lib/cni", "/run/containerd", "/var/lib/modelyard")
VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: data}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: modelyard-local
  local: {path: /var/lib/modelyard/volumes/data}
  nodeAffinity:
    required:
      nodeSelectorTerms: [{matchExpressions: [{key: modelyard.dev/local-volumes, operator: Exists}]}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  storageClassName: modelyard-local
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  terminationGracePeriodSeconds: 0
  tolerations: [{operator: Exists}]   # a slow machine may count the node as lost for a moment: nothing to do with this
  containers:
  - name: writer
    image: localhost/modelyard/pause:1
    command: [/busybox, sh, -c, "echo started >>/data/starts; exec /busybox sleep 100000"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""


def cluster(*arguments: str) -> str:
    return run([sys.executable, "-m", "tests.localcluster", *arguments, "--name", NAME, "--provider", "embedded"])


def kubectl(*arguments: str, text: str | None = None) -> str:
    program = next(iter(cluster("env").split("export PATH=")[1].split(":"))) + "/kubectl"
    # Run in the scratch cluster's network: the tests' process may have entered another cluster's.
    argv = [program, "--kubeconfig", str(Embedded(NAME).kubeconfig), *arguments]
    return run(network.within(NAME, *argv), input=text)


def traces() -> dict[str, set[str]]:
    """Returns everything on this machine that belongs to the scratch cluster, by kind of thing."""
    processes, mounts = set(), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # Look at the cgroup: a process in a container doesn't have the cluster's name in its arguments.
            if f"/{NAME}-" in (process / "cgroup").read_text():
                processes.add(process.name)
            mounts |= {line for line in (process / "mountinfo").read_text().splitlines() if f"/{NAME}/" in line}
        except OSError:
            continue  # the process ended meanwhile
    listeners = run(["nsenter", f"--net={network.outside()}", "ss", "-Hltnp"])
    return {
        "processes": processes,
        "mounts": mounts,
        "network": network.names() & {NAME},
        "groups": set(run(["find", "/sys/fs/cgroup", "-type", "d", "-name", f"{NAME}-*"]).split()),
        "folders": {str(state(NAME))} & {str(path) for path in state(NAME).parent.glob("*")},
        "mount points": {point for point in MOUNT_POINTS if Path(point).exists()},
        "listeners": {line.split()[3] for line in listeners.splitlines() if "socat" in line},
    }


@pytest.fixture(scope="module")
def before() -> Iterator[dict[str, set[str]]]:
    """Yields the traces before the cluster exists. Removes a cluster that a broken run left first, and its own last."""
    cluster("down")
    yield traces()
    cluster("down")


@pytest.fixture(scope="module")
def running(before: dict[str, set[str]]) -> None:
    cluster("up")


def processes() -> dict[int, int]:
    return {n: json.loads((state(NAME) / str(n) / "process.json").read_text())["pid"] for n in (0, 1, 2)}


def images() -> list[dict[str, str]]:
    return [store.listed(Embedded(NAME).socket(n)) for n in (1, 2)]


def starts() -> int:
    return (state(NAME) / "1/volumes/data/starts").read_text().count("started")


@pytest.mark.usefixtures("running")
def test_up_again_changes_nothing() -> None:
    before = processes()
    cluster("up")
    assert processes() == before
    status = json.loads(cluster("status", "--json"))
    assert [(node["running"], node.get("ready", True)) for node in status["nodes"]] == [(True, True)] * 3


@pytest.mark.usefixtures("running")
def test_a_hard_kill_keeps_objects_volumes_and_images() -> None:
    kubectl("create", "configmap", "kept", "--from-literal=key=value")
    until(30, "the default ServiceAccount", lambda: "default" in kubectl("get", "serviceaccounts", "-o", "name"))
    kubectl("apply", "-f", "-", text=VOLUME)
    kubectl("wait", "--for=condition=Ready", "pod/writer", "--timeout=60s")
    assert starts() == 1
    uid, images_before = kubectl("get", "pod", "writer", "-o", "jsonpath={.metadata.uid}"), images()
    assert images_before[0] == images_before[1]
    assert "localhost/modelyard/pause:1" in images_before[0]

    cluster("kill")
    assert traces()["processes"] == set()
    cluster("up")

    assert kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.key}") == "value"
    until(60, "the pod's second start", lambda: starts() >= 2)
    kubectl("wait", "--for=condition=Ready", "pod/writer", "--timeout=60s")
    assert kubectl("get", "pod", "writer", "-o", "jsonpath={.metadata.uid}") == uid
    assert images() == images_before


@pytest.mark.usefixtures("running")
def test_a_node_that_lost_power_is_seen_as_lost_and_comes_back() -> None:
    node = f"{NAME}-2"
    cluster("node", "stop", "2")
    kubectl("wait", f"node/{node}", "--for=condition=Ready=Unknown", "--timeout=30s")
    cluster("node", "start", "2")
    kubectl("wait", f"node/{node}", "--for=condition=Ready", "--timeout=60s")


@pytest.mark.usefixtures("running")
def test_down_leaves_nothing(before: dict[str, set[str]]) -> None:
    during = traces()
    for kind in ("processes", "mounts", "network", "groups", "folders"):
        assert during[kind] - before[kind], f"looking for {kind} finds nothing even while it runs"
    assert during["listeners"] - before["listeners"]
    cluster("down")
    assert traces() == before
    second_down = subprocess.run(
        [sys.executable, "-m", "tests.localcluster", "down", "--name", NAME], cwd=REPO, check=False
    )
    assert second_down.returncode == 0, "there is nothing left to remove, and that is fine"
