"""Checks that faults of real pods and nodes are reported with what to do, and that work which can continue does."""

from __future__ import annotations

import json
import re
import time

import pytest

from modelyard_runtime.pod.web import PATIENCE
from tests.common.say import CannotRun
from tests.localcluster import kind
from tests.support.kube import Kube
from tests.support.pressure import small_disk
from tests.support.scene import (
    FINAL,
    SYSTEM,
    Scene,
    cordoned,
    small_tracking_volume,
    vacate,
    without_power,
    without_tracking,
)

pytestmark = [pytest.mark.cluster, pytest.mark.disrupts]
MORE = "a,b,y\n" + "".join(f"{i},{i % 5},{'yes' if i % 2 else 'no'}\n" for i in range(40))


def test_evictions_drains_and_lost_nodes_count_as_no_attempt(scene: Scene) -> None:
    """Each run has a single attempt and leaves an early model when disrupted, but still ends with the final one."""
    kube, (node_1, node_2) = scene.kube, (kind.container(scene.kube.cluster, n) for n in (1, 2))
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


def test_a_node_that_is_short_of_disk_costs_no_attempt(scene: Scene) -> None:
    """Its kubelet evicts the pod that runs there, and refuses one that comes; each run has a single attempt."""
    kube, (node_1, node_2) = scene.kube, (kind.container(scene.kube.cluster, n) for n in (1, 2))
    scene.put("Model", "kept", {"task": "Classification"})
    tolerant = {"tolerations": [{"key": "node.kubernetes.io/disk-pressure", "operator": "Exists"}]}
    vacate(Kube(kube.cluster, SYSTEM), node_2)  # the operator would be evicted too, and find no other node
    with small_disk(kube, 2) as disk:
        with cordoned(kube, node_1):
            scene.run("evicted", modelRef={"name": "kept"}, backoffLimit=0)
            first = scene.running("evicted")
            disk.fill()
            scene.run("refused", podTemplate=tolerant, backoffLimit=0)
            note = scene.event_note("TrainingRun", "refused", "Evicted")
            assert f"node {node_2!r} refused pod" in note
            assert "[DiskPressure]; free the node" in note
            note = scene.event_note("TrainingRun", "evicted", "Evicted")
            assert "low on resource: ephemeral-storage" in note
            assert f"free node {node_2!r}, or ask for what the pod uses" in note
        scene.running("evicted", but=first)
        ends = [scene.let_go("evicted")]
    ends.append(scene.let_go("refused"))
    for run in ends:
        assert run["status"]["metrics"]["accuracy"] == pytest.approx(FINAL, abs=0.1), "an early model is no result"
        assert run["status"]["attempts"] == 1
    kube.until_condition("model", "kept")
    assert [version["metadata"]["name"] for version in kube.list("modelversions")] == ["kept-v1"]


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
