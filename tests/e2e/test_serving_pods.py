"""Checks that it is told within seconds why real serving pods don't run, among them those of a damaged model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kube import Kube, Object, condition
from tests.support.models import KINDS
from tests.support.namespace import new_namespace
from tests.support.scene import Scene
from tests.support.versions import Shelf

pytestmark = pytest.mark.cluster
MODEL = "says"
TOLD_WITHIN = 90.0
IMAGE, NO_NODE = {"image": "localhost/nothing:here"}, {"nodeSelector": {"gpu": "yes"}}
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"


def memory(amount: str) -> dict[str, Any]:
    return {"resources": {"requests": {"memory": amount}, "limits": {"memory": amount}}}


CAUSES = {
    "bad-image": (IMAGE, "ImagePullFailed", "spec.podTemplate.image: the image 'localhost/nothing:here'"),
    "no-node": (NO_NODE, "Unschedulable", "correct nodeSelector"),
    "too-big": (memory("500Gi"), "Unschedulable", "lower spec.podTemplate.resources.requests"),
    "too-small": (memory("16Mi"), "OOMKilled", "limit of 16Mi; raise spec.podTemplate.resources.limits.memory"),
}


@pytest.fixture(scope="module")
def shelf(cluster: str) -> Iterator[Shelf]:
    with new_namespace(cluster) as kube:
        shelf = Shelf(kube, MODEL)
        shelf.put(KINDS["equal"]().data("version 1"))
        yield shelf


def told(kube: Kube, kind: str, name: str, reason: str, stalled: bool = True, cause: str = "") -> Object:
    """Waits until Ready is False for this reason, checks Stalled and the Warning Event, and returns Ready.

    The Event says the same as Ready. If two objects tell of one cause, each in its turn, both messages have ``cause``.
    """
    ready = kube.until_condition(kind.lower(), name, "Ready", "False", reason, TOLD_WITHIN)
    assert (condition(kube.get(kind.lower(), name), "Stalled") is not None) == stalled
    note = Scene(kube).event_note(kind, name, reason)
    if cause:
        assert cause in note
        assert cause in ready["message"]
    else:
        assert note[:200] == ready["message"][:200]
    events = [item for item in kube.list("events.events.k8s.io") if item["note"] == note]
    assert {item["type"] for item in events} == {"Warning"}
    return ready


def serve(kube: Kube, name: str, **spec: Any) -> None:
    Scene(kube).put("ModelDeployment", name, {"modelRef": {"name": MODEL, "version": 1}, **spec})


def test_the_pods_own_cause_is_told(shelf: Shelf) -> None:
    kube = shelf.kube
    for name, (template, _, _) in CAUSES.items():
        serve(kube, name, podTemplate=template)
    for name, (_, reason, says) in CAUSES.items():
        ready = told(kube, "ModelDeployment", name, reason)
        assert says in ready["message"]
        assert ready["message"].endswith("nothing serves")
    # What is corrected serves, and says nothing of what was.
    serve(kube, "no-node", podTemplate={})
    kube.until_condition("modeldeployment", "no-node", seconds=120)


def test_a_candidate_is_told_of_while_the_stable_pods_serve_on(shelf: Shelf) -> None:
    serve(shelf.kube, "edited")
    shelf.kube.until_condition("modeldeployment", "edited")
    serve(shelf.kube, "edited", podTemplate=NO_NODE)
    ready = told(shelf.kube, "ModelDeployment", "edited", "Unschedulable")
    assert ready["message"].endswith("version 1 goes on serving")


def test_a_pool_tells_too(shelf: Shelf) -> None:
    Scene(shelf.kube).put("ModelPool", "nowhere", {"replicas": 1, "podTemplate": NO_NODE})
    serve(shelf.kube, "packed", pool="nowhere")
    assert "0 of 1 pods are ready" in told(shelf.kube, "ModelPool", "nowhere", "Unschedulable")["message"]
    told(shelf.kube, "ModelDeployment", "packed", "Unschedulable")


def test_a_model_whose_stored_bytes_are_changed_after_it_has_served(kube: Kube) -> None:
    shelf = Shelf(kube, MODEL)
    data = KINDS["equal"]().data("version 1")
    shelf.put(data)
    serve(kube, MODEL)
    kube.until_condition("modeldeployment", MODEL)
    shelf.replace(1, data[:-1] + bytes([data[-1] ^ 1]))
    kube.run("delete", "pods", "-l", f"modelyard.dev/modeldeployment={MODEL}", "--wait=false")
    # The pods tell first; as soon as the version has heard of it, Ready names the version instead.
    told(kube, "ModelDeployment", MODEL, "DigestMismatch", cause="has digest sha256:")
    told(kube, "ModelVersion", f"{MODEL}-v1", "DigestMismatch")
    kube.until_condition("modelversion", f"{MODEL}-v1", "Verified", "False", "DigestMismatch")
    # The pod tries again by itself, ever more rarely, and the version is verified again once it has succeeded.
    shelf.replace(1, data)
    kube.run("delete", "pods", "-l", f"modelyard.dev/modeldeployment={MODEL}", "--wait=false")
    kube.until_condition("modelversion", f"{MODEL}-v1", seconds=120)
    kube.until_condition("modeldeployment", MODEL)


def test_a_quota_without_room_is_told_of_pods_and_runs(kube: Kube) -> None:
    shelf = Shelf(kube, MODEL)
    shelf.put(KINDS["equal"]().data("version 1"))
    kube.run("create", "quota", "small", "--hard=pods=0")
    Scene(kube).dataset()
    serve(kube, MODEL)
    Scene(kube).put("ModelPool", "pool", {"replicas": 1})
    for kind, name in (("Dataset", "good"), ("ModelDeployment", MODEL), ("ModelPool", "pool")):
        message = told(kube, kind, name, "QuotaExceeded")["message"]
        assert "exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0" in message
    kube.run("delete", "quota", "small")
    kube.until_condition("dataset", "good", seconds=240)


def test_a_missed_deadline_is_told_while_the_pod_is_being_stopped(kube: Kube) -> None:
    scene = Scene(kube)
    scene.dataset()
    kube.until_condition("dataset", "good", seconds=240)
    scene.run("late", STUBBORN, activeDeadlineSeconds=20)
    reconciling = kube.until_condition("trainingrun", "late", "Reconciling", "True", "DeadlineExceeded", 60)
    assert (
        "spec.activeDeadlineSeconds (20), so its pod is being stopped, which may take 120 s" in reconciling["message"]
    )
    run = kube.get("trainingrun", "late")
    assert condition(run, "Failed") is None, "its pod has not ended yet"
    assert any(pod["status"].get("phase") != "Failed" for pod in scene.pods("late"))
    scene.fails("late", "DeadlineExceeded", "raise it or make the work smaller", seconds=180)
