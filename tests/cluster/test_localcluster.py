"""Checks what a cluster promises, on a scratch cluster that no other test uses, and that leaves no traces."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.common.paths import REPO
from tests.common.say import run, until
from tests.localcluster import access, engine, kind
from tests.localcluster.paths import state

pytestmark = [pytest.mark.cluster, pytest.mark.disrupts]

NAME = "modelyard-scratch"

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
    image: {image}
    command: [sh, -c, "echo started >>/data/starts; exec sleep 100000"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
""".replace("{image}", "docker.io/kindest/local-path-helper:v20260131-7181c60a")


def cluster(*arguments: str) -> str:
    return run([sys.executable, "-m", "tests.localcluster", *arguments, "--name", NAME])


def kubectl(*arguments: str, text: str | None = None) -> str:
    # From the machine's own network: the tests' process may have entered another cluster's.
    argv = [*kind.kubectl_program(), "--kubeconfig", str(kind.kubeconfig(NAME)), *arguments]
    return run(["nsenter", f"--net={access.outside()}", *argv], input=text)


def traces() -> dict[str, set[str]]:
    """Returns everything on this machine that belongs to the scratch cluster, by kind of thing."""
    label = f"label=io.x-k8s.kind.cluster={NAME}"
    ids = engine.docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label).split() if engine.runs() else []
    known.update(ids)
    processes, mounts = set(), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(identity in (process / "cgroup").read_text() for identity in known):
                processes.add(process.name)
            mounts |= {line for line in (process / "mountinfo").read_text().splitlines() if f"/{NAME}/" in line}
        except OSError:
            continue  # the process ended meanwhile
    volumes = (
        set(engine.docker("volume", "ls", "--quiet", "--filter", "dangling=true").split()) if engine.runs() else set()
    )
    groups = run(["find", "/sys/fs/cgroup", "-type", "d", "-path", "*/docker/*", "-prune"]).split()
    return {
        "containers": set(ids),
        "processes": processes,
        "mounts": mounts,
        "groups": {group for group in groups if group.rsplit("/", 1)[-1] in known},
        "folders": {str(state(NAME))} & {str(path) for path in state(NAME).parent.glob("*")},
        "volumes": volumes - {"modelyard-registry"},
        "ports": {str(port) for port in engine.forwarded()},
    }


known: set[str] = set()
"""The ids of the scratch cluster's containers, also of those that are gone."""


@pytest.fixture(scope="module")
def before() -> Iterator[dict[str, set[str]]]:
    """Yields the traces before the cluster exists. Removes a cluster that a broken run left first, and its own last."""
    cluster("down")
    engine.start()
    yield traces()
    cluster("down")


@pytest.fixture(scope="module")
def running(before: dict[str, set[str]]) -> None:
    cluster("up")


def containers() -> dict[int, int]:
    return {n: kind.process(NAME, n) for n in (0, 1, 2)}


def starts() -> int:
    return (state(NAME) / "volumes/data/starts").read_text().count("started")


@pytest.mark.usefixtures("running")
def test_up_again_changes_nothing() -> None:
    before = containers()
    cluster("up")
    assert containers() == before


@pytest.mark.usefixtures("running")
def test_a_hard_kill_keeps_objects_and_volumes() -> None:
    kubectl("create", "configmap", "kept", "--from-literal=key=value")
    until(30, "the default ServiceAccount", lambda: "default" in kubectl("get", "serviceaccounts", "-o", "name"))
    kubectl("apply", "-f", "-", text=VOLUME)
    kubectl("wait", "--for=condition=Ready", "pod/writer", "--timeout=60s")
    assert starts() == 1
    uid = kubectl("get", "pod", "writer", "-o", "jsonpath={.metadata.uid}")

    engine.docker("kill", *(kind.container(NAME, n) for n in kind.numbers(NAME)))
    assert traces()["processes"] == set()
    cluster("up")

    assert kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.key}") == "value"
    until(120, "the pod's second start", lambda: starts() >= 2)
    kubectl("wait", "--for=condition=Ready", "pod/writer", "--timeout=60s")
    assert kubectl("get", "pod", "writer", "-o", "jsonpath={.metadata.uid}") == uid


@pytest.mark.usefixtures("running")
def test_a_node_that_lost_power_is_seen_as_lost_and_comes_back() -> None:
    node = kind.container(NAME, 2)
    access.node_stop(NAME, 2)
    kubectl("wait", f"node/{node}", "--for=condition=Ready=Unknown", "--timeout=60s")
    engine.docker("start", node)
    kubectl("wait", f"node/{node}", "--for=condition=Ready", "--timeout=120s")


@pytest.mark.usefixtures("running")
def test_nodes_outlive_their_engine() -> None:
    if not engine.private():
        pytest.skip("the machine's own engine is not ours to kill")
    before = containers()
    os.kill(int((engine.FOLDER / "docker.pid").read_text()), signal.SIGKILL)
    cluster("up")
    assert containers() == before
    assert kubectl("get", "--raw", "/readyz") == "ok"
    # The nodes still find one another by name, and so does a kubelet that starts now.
    node = kind.container(NAME, 1)
    assert engine.docker("exec", node, "getent", "ahostsv4", kind.container(NAME, 2)).split()
    engine.docker("exec", node, "systemctl", "restart", "kubelet")
    heartbeat = ["-n", "kube-node-lease", "get", "lease", node, "-o", "jsonpath={.spec.renewTime}"]
    last = kubectl(*heartbeat)
    until(60, f"a heartbeat of {node}", lambda: kubectl(*heartbeat) > last)


@pytest.mark.usefixtures("running")
def test_down_leaves_nothing(before: dict[str, set[str]]) -> None:
    during = traces()
    for what in ("containers", "processes", "folders", "ports"):
        assert during[what] - before[what], f"looking for {what} finds nothing even while it runs"
    cluster("down")
    after = traces()
    assert {what: after[what] - before[what] for what in after} == {what: set() for what in after}
    second_down = subprocess.run(
        [sys.executable, "-m", "tests.localcluster", "down", "--name", NAME], cwd=REPO, check=False
    )
    assert second_down.returncode == 0, "there is nothing left to remove, and that is fine"
