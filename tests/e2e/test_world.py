"""Checks that faults of real pods and nodes are reported with what to do, and that work which can continue does."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from modelyard_runtime.pod.web import PATIENCE
from tests.localcluster import access
from tests.localcluster.say import CannotRun
from tests.support.kube import Kube, condition
from tests.support.namespace import new_namespace
from tests.support.scene import (
    FINAL,
    SYSTEM,
    Scene,
    cordoned,
    small_tracking_volume,
    without_power,
    without_tracking,
)

pytestmark = [pytest.mark.cluster, pytest.mark.disrupts]
HOG = "x = bytearray(400 << 20); x[::4096] = b'x' * len(x[::4096])"
FILL = "import time; open('/tmp/x', 'wb').write(b'x' * (60 << 20)); time.sleep(600)"
MORE = "a,b,y\n" + "".join(f"{i},{i % 5},{'yes' if i % 2 else 'no'}\n" for i in range(40))
NO_SPACE = "open('/dev/shm/x', 'wb').write(b'x' * (100 << 20))"
"""Writes 100 MiB to /dev/shm, where a container has 64 MiB: the error is the one of a full disk."""


@pytest.fixture
def scene(kube: Kube) -> Scene:
    scene = Scene(kube)
    scene.dataset()
    kube.until_condition("dataset", "good", seconds=240)
    return scene


@pytest.fixture
def other(cluster: str) -> Iterator[Scene]:
    with new_namespace(cluster) as kube:
        yield Scene(kube)


def test_pods_that_use_too_much_and_objects_that_are_deleted(scene: Scene, other: Scene) -> None:
    """Both happen at once, in two namespaces: deleting one namespace doesn't affect the other."""
    limits = {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    scene.run("hog", HOG, backoffLimit=1, podTemplate={"resources": limits})
    scene.run("fill", FILL, backoffLimit=0, podTemplate={"resources": {"limits": {"ephemeral-storage": "20Mi"}}})
    scene.run("full", NO_SPACE, backoffLimit=0)
    scene.run("goes")
    other.dataset()
    other.run("with-it")
    other.put("Model", "m", {"task": "Classification"})
    other.put("ModelDeployment", "m", {"modelRef": {"name": "m", "alias": "champion"}})
    reconciling = scene.kube.until_condition("trainingrun", "hog", "Reconciling", "True", "OOMKilled", 240)
    assert "attempts left: 1" in reconciling["message"]
    goes = scene.running("goes")
    scene.kube.delete("trainingrun", "goes")
    other.running("with-it")
    other.kube.delete("namespace", other.kube.namespace)
    use_too_much(scene)
    scene.kube.until("the end of its pod", lambda: not scene.kube.get("pod", goes), 180)
    assert not scene.kube.list("jobs", "modelyard.dev/trainingrun=goes")
    scene.run("goes")
    assert scene.running("goes") != goes, "one of the same name is another one"
    assert scene.let_go("goes")["status"]["attempts"] == 1
    deleted = other.kube.namespace
    scene.kube.until("the end of the namespace", lambda: scene.kube.get("namespace", deleted) is None, 240, every=1)
    log = Kube(scene.kube.cluster, SYSTEM).run("logs", "deployment/modelyard-operator", "--since=10m")
    errors = [line for line in log.splitlines() if deleted in line and re.search("Traceback|ERROR", line)]
    assert errors == []


def use_too_much(scene: Scene) -> None:
    """Checks the three pods that exceed a limit: it is their own fault, so each end counts as an attempt."""
    hog = scene.fails("hog", "OOMKilled", "'main'", "limit of 64Mi", "spec.podTemplate.resources.limits.memory")
    assert hog["status"]["attempts"] == 2
    fill = scene.fails("fill", "Evicted", "20Mi", "raise spec.podTemplate.resources.limits.ephemeral-storage")
    assert fill["status"]["attempts"] == 1
    scene.fails("full", "DiskFull", "No space left on device", "spec.podTemplate.resources.requests.ephemeral-storage")
    for name in ("hog", "fill", "full"):
        assert condition(scene.kube.get("trainingrun", name), "Stalled") is not None


def test_evictions_drains_and_lost_nodes_count_as_no_attempt(scene: Scene) -> None:
    """Each run has a single attempt and leaves an early model when disrupted, but still ends with the final one."""
    kube, (node_1, node_2) = scene.kube, (access.node_object(scene.kube.cluster, n) for n in (1, 2))
    with cordoned(kube, node_1):
        for name in ("evicted", "drained"):
            scene.run(name, backoffLimit=0)
        first, moved = scene.running("evicted"), scene.running("drained")
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction"}
        body = json.dumps(eviction | {"metadata": {"name": first, "namespace": kube.namespace}})
        kube.run("create", "--raw", f"/api/v1/namespaces/{kube.namespace}/pods/{first}/eviction", "-f", "-", text=body)
        assert "evicted from its node, as a drain does" in scene.event_note("TrainingRun", "evicted", "Disrupted")
        scene.running("evicted", but=first)
    kube.run("drain", node_2, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s")
    try:
        assert "evicted from its node, as a drain does" in scene.event_note("TrainingRun", "drained", "Disrupted")
        scene.running("drained", but=moved)
    finally:
        kube.run("uncordon", node_2)
    with cordoned(kube, node_1):
        scene.run("lost", backoffLimit=0)
        third = scene.running("lost")
    with without_power(kube, 2):
        note = scene.event_note("TrainingRun", "lost", "NodeLost")
        assert re.search(rf"node '{node_2}' does not answer since .*, and pod {third} ran there", note), note
        scene.running("lost", but=third)
        for name in ("evicted", "drained", "lost"):
            run = scene.let_go(name)
            assert run["status"]["metrics"]["accuracy"] == pytest.approx(FINAL, abs=0.1), "an early model is no result"
            assert run["status"]["attempts"] == 1
            assert scene.kube.list("jobs", f"modelyard.dev/trainingrun={name}")[0]["status"].get("failed", 0) == 0


def test_runs_wait_for_a_tracking_server_that_is_away(scene: Scene) -> None:
    scene.run("amidst", backoffLimit=1)
    scene.running("amidst")
    with without_tracking(scene.kube.cluster) as system:
        began = time.monotonic()
        tree = {"trainer": {"estimator": {"algorithm": "DecisionTreeClassifier"}}, "backoffLimit": 0}
        scene.put("TrainingRun", "begins", {"datasetRef": {"name": "good"}} | tree)
        for pod in scene.pods("amidst"):
            scene.kube.run("exec", pod["metadata"]["name"], "-c", "main", "--", "touch", "/tmp/go")
        waiting = scene.kube.until_condition("trainingrun", "begins", "Reconciling", "True", "TrackingUnavailable", 240)
        assert "see that its pod runs" in waiting["message"]
        assert "attempts left: 1" in waiting["message"], "nobody's failed attempt"
        # A pod without work to lose gives up after PATIENCE seconds; one that has fitted a model retries for minutes.
        scene.kube.until("more than a pod's patience", lambda: time.monotonic() - began > PATIENCE + 5, 90)
        system.run("scale", "deployment", "modelyard-tracking", "--replicas=1")
        assert scene.let_go("amidst")["status"]["metrics"]["accuracy"] == pytest.approx(FINAL, abs=0.1)
        scene.kube.until_condition("trainingrun", "begins", seconds=300)


def test_a_full_tracking_volume_is_told_and_work_goes_on_once_there_is_space(other: Scene) -> None:
    cluster = other.kube.cluster
    with small_tracking_volume(cluster, 8) as system:
        other.dataset()
        other.kube.until_condition("dataset", "good", seconds=240)
        other.run("amidst", backoffLimit=2)
        other.running("amidst")
        inside = ("exec", "deployment/modelyard-tracking", "--", "sh", "-c")
        with pytest.raises(CannotRun, match="No space left"):
            system.run(*inside, "head -c 20000000 /dev/zero > /var/lib/mlflow/filler")
        other.dataset("more", MORE)
        for pod in other.pods("amidst"):
            other.kube.run("exec", pod["metadata"]["name"], "-c", "main", "--", "touch", "/tmp/go")
        waiting = other.kube.until_condition("dataset", "more", "Reconciling", "True", "TrackingFull", 240)
        assert "is full; enlarge it, or delete there" in waiting["message"]
        note = other.event_note("TrainingRun", "amidst", "TrackingFull")
        assert "tried again by itself, attempts left: 2" in note
        system.run(*inside, "rm /var/lib/mlflow/filler")
        assert other.let_go("amidst", 300)["status"]["attempts"] >= 2
        other.kube.until_condition("dataset", "more", seconds=300)
