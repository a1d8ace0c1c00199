"""Checks that the end of pods which exceed a limit is told with the field to raise, and what deleted objects leave."""

from __future__ import annotations

import re

import pytest

from tests.support.kube import Kube, condition
from tests.support.scene import SYSTEM, Scene

pytestmark = pytest.mark.cluster
HOG = "x = bytearray(400 << 20); x[::4096] = b'x' * len(x[::4096])"
FILL = "import time; open('/tmp/x', 'wb').write(b'x' * (60 << 20)); time.sleep(600)"
NO_SPACE = "open('/dev/shm/x', 'wb').write(b'x' * (100 << 20))"
"""Writes 100 MiB to /dev/shm, where a container has 64 MiB: the error is the one of a full disk."""


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
