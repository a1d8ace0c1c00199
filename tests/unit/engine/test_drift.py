"""Checks what counts as somebody else's change of a child, how the child is repaired, and what is told."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.drift import Drift, drift, repaired, set_by_others, undone
from modelyard.engine.ownership import foreign, others, without_others, written
from modelyard.engine.resource import DEPLOYMENTS
from modelyard.engine.undo import BURST, LONGEST_WAIT, RECURRING, Corrections, note_of

SERVER, TMPDIR = 'k:{"name":"server"}', 'k:{"name":"TMPDIR"}'
EXTRA = 'k:{"name":"EXTRA"}'
POD = ("f:spec", "f:template", "f:spec")
IMAGE = (*POD, "f:containers", SERVER, "f:image")
ENV = (*POD, "f:containers", SERVER, "f:env")


def fields(*paths: tuple[str, ...]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for path in paths:
        inner = result
        for step in path:
            inner = inner.setdefault(step, {})
    return result


def entry(manager: str, *paths: tuple[str, ...], **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields(*paths), **more}


def deployment(**more: Any) -> dict[str, Any]:
    """Returns a Deployment as we apply it."""
    server = {"name": "server", "image": "ours", "env": [{"name": "TMPDIR", "value": "/work"}]}
    template = {"metadata": {"labels": {"app": "ours"}}, "spec": {"containers": [server], "volumes": [{"name": "w"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "labels": {"modelyard.dev/version": "1"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "ours"}}, "template": template} | more,
    }


def defaulted() -> dict[str, Any]:
    """Returns it as the API server stores it, with defaults that belong to nobody."""
    live = deployment(revisionHistoryLimit=10)
    pod = live["spec"]["template"]["spec"]
    pod |= {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
    pod["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
    pod["volumes"][0]["emptyDir"] = {}
    live["metadata"] |= {"uid": "x", "resourceVersion": "5", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return live


def set_at(obj: Any, path: tuple[str, ...], value: Any) -> None:
    for step in path[:-1]:
        kind, name = step.split(":", 1)
        if kind == "f":
            obj = obj.setdefault(name, {})
        else:
            key = name[len('{"name":"') : -2]
            items = obj
            obj = next((item for item in items if item["name"] == key), None)
            if obj is None:
                obj = {"name": key}
                items.append(obj)
    obj[path[-1][2:]] = value


CHANGED = [
    (IMAGE, "theirs"),
    ((*ENV, TMPDIR, "f:value"), "/elsewhere"),
    (("f:spec", "f:replicas"), 0),
    (("f:spec", "f:selector"), {"matchLabels": {"app": "ours", "more": "x"}}),
    (("f:metadata", "f:labels", "f:modelyard.dev/version"), "7"),
]
ADDED = [
    ((*ENV, EXTRA, "f:value"), 1, (*ENV, EXTRA)),
    (("f:spec", "f:template", "f:metadata", "f:labels", "f:mesh"), "on", None),
    (
        (*POD, "f:containers", 'k:{"name":"sidecar"}', "f:image"),
        "theirs",
        (*POD, "f:containers", 'k:{"name":"sidecar"}'),
    ),
    ((*POD, "f:containers", SERVER, "f:command"), ["sh"], None),
    (
        (*POD, "f:volumes", 'k:{"name":"w"}', "f:hostPath", "f:path"),
        "/",
        (*POD, "f:volumes", 'k:{"name":"w"}', "f:hostPath"),
    ),
    ((*POD, "f:hostNetwork"), True, None),
    (("f:spec", "f:paused"), True, None),
]


def test_what_the_api_server_fills_in_is_no_drift() -> None:
    assert drift(deployment(), defaulted(), []) == ()


@pytest.mark.parametrize(("path", "value"), CHANGED)
def test_a_field_that_we_set_and_another_changed(path: tuple[str, ...], value: Any) -> None:
    live = defaulted()
    set_at(live, path, value)
    assert drift(deployment(), live, [entry("kubectl-edit", path)]) == (Drift(path, "kubectl-edit", False),)
    assert repaired(deployment(), live, ()) == defaulted() or path[-1] == "f:selector"


@pytest.mark.parametrize(("path", "value", "topmost"), ADDED)
def test_a_field_that_another_added(path: tuple[str, ...], value: Any, topmost: tuple[str, ...] | None) -> None:
    live = defaulted()
    set_at(live, path, value)
    drifts = drift(deployment(), live, [entry("kubectl-edit", path)])
    assert drifts == (Drift(topmost or path, "kubectl-edit", True),)
    assert repaired(deployment(), live, drifts) == defaulted()


@pytest.mark.parametrize(
    "path",
    [
        ("f:spec", "f:template", "f:metadata", "f:annotations", "f:kubectl.kubernetes.io/restartedAt"),
        ("f:metadata", "f:labels", "f:team"),
        ("f:metadata", "f:annotations", "f:argocd.argoproj.io/tracking-id"),
    ],
)
def test_what_others_rightly_own(path: tuple[str, ...]) -> None:
    live = defaulted()
    set_at(live, path, "theirs")
    assert drift(deployment(), live, [entry("kubectl-rollout", path)]) == ()


def test_a_claim_keeps_its_volume_and_its_class() -> None:
    desired = {"kind": "PersistentVolumeClaim", "spec": {"accessModes": ["ReadWriteOnce"]}}
    bound = {"volumeName": "pv-1", "storageClassName": "standard", "volumeMode": "Filesystem"}
    live = {"kind": "PersistentVolumeClaim", "spec": {**desired["spec"], **bound}}  # type: ignore[dict-item]
    managed = [entry("kube-controller-manager", *(("f:spec", f"f:{field}") for field in bound))]
    assert drift(desired, live, managed) == ()


def test_a_service_keeps_what_the_network_allocated_but_not_another_selector() -> None:
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    desired = {"kind": "Service", "spec": {"selector": {"a": "b"}, "ports": [port]}}
    live = {
        "kind": "Service",
        "spec": {
            "selector": {"a": "b", "app": "other"},
            "ports": [{**port, "nodePort": 30000}],
            "clusterIP": "10.0.0.1",
            "type": "NodePort",
        },
    }
    node_port = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:nodePort")
    managed = [entry("kubectl", ("f:spec", "f:selector"), node_port, ("f:spec", "f:clusterIP"), ("f:spec", "f:type"))]
    drifts = drift(desired, live, managed)
    assert [(written(item.path), item.added) for item in drifts] == [("spec.selector", False), ("spec.type", True)]
    spec = repaired(desired, live, drifts)["spec"]
    assert spec == {"selector": {"a": "b", "app": "other"}, "ports": live["spec"]["ports"], "clusterIP": "10.0.0.1"}


def test_one_repair_keeps_a_probe_whose_handler_was_exchanged_valid() -> None:
    desired, live = deployment(), defaulted()
    desired["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = {"httpGet": {"path": "/"}}
    live["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = {
        "exec": {"command": ["true"]},
        "periodSeconds": 5,
    }
    probe = (*POD, "f:containers", SERVER, "f:livenessProbe")
    drifts = drift(desired, live, [entry("kubectl", (*probe, "f:exec", "f:command"))])
    fixed = repaired(desired, live, drifts)["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]
    assert fixed == {"httpGet": {"path": "/"}, "periodSeconds": 5}


def test_of_managed_fields_only_what_others_alone_own_is_kept() -> None:
    replicas, label = ("f:spec", "f:replicas"), ("f:metadata", "f:labels", "f:modelyard.dev/version")
    revision = ("f:metadata", "f:annotations", "f:deployment.kubernetes.io/revision")
    managed = [
        entry("modelyard", IMAGE, replicas) | {"operation": "Apply"},
        entry("modelyard", replicas, (*ENV, EXTRA)),
        entry("argocd", IMAGE, label),
        entry("kube-controller-manager", revision, ("f:status", "f:replicas")),
        entry("kube-controller-manager", ("f:status", "f:replicas"), subresource="status"),
        entry("kubectl", ("f:spec", "f:paused"), subresource="scale"),
    ]
    assert others(managed) == [
        {"manager": "argocd", "fieldsV1": fields(label)},
        {"manager": "kubectl", "fieldsV1": fields(("f:spec", "f:paused"))},
        {"manager": "modelyard", "fieldsV1": fields((*ENV, EXTRA))},
    ]
    assert others([entry("keda-operator", replicas)]) == []
    assert without_others(managed) == [managed[0], managed[3], managed[4]]
    child = {"metadata": {"managedFields": others(managed)}}
    assert foreign(child, label)
    assert not foreign(child, (*ENV, EXTRA))


def test_what_our_own_patch_left_over_is_removed_and_not_told() -> None:
    live = defaulted()
    set_at(live, (*ENV, EXTRA, "f:value"), "1")
    drifts = drift(deployment(), live, [entry("modelyard", (*ENV, EXTRA, "f:value"))])
    assert drifts == (Drift((*ENV, EXTRA), "modelyard", True),)
    assert undone(deployment(), live, defaulted(), drifts, again=True) == ()


def test_only_what_a_write_changed_is_told() -> None:
    before, after = defaulted(), defaulted()
    unchanged = Drift(("f:spec", "f:replicas"), "argocd", False)
    assert undone(deployment(), before, after, [unchanged], again=True) == ()
    set_at(before, IMAGE, "theirs")
    del before["spec"]["template"]["spec"]["containers"][0]["env"]
    image = Drift(IMAGE, "kubectl-set", False)
    assert undone(deployment(), before, after, [image], again=False) == (image,)
    assert undone(deployment(), before, after, [image], again=True) == (image, Drift(ENV, "", False))


def test_a_patch_tells_what_it_takes_back() -> None:
    suspend = ("f:spec", "f:suspend")
    live = {"metadata": {"managedFields": [entry("kubectl", suspend)]}, "spec": {"suspend": True}}
    assert set_by_others({"spec": {"suspend": False}}, live) == (Drift(suspend, "kubectl", False),)
    assert set_by_others({"spec": {"suspend": True}}, live) == ()
    assert set_by_others({"spec": {"activeDeadlineSeconds": 5}}, live) == ()


def test_a_fight_is_corrected_more_and_more_rarely() -> None:
    now = 100.0
    corrections, child, image = Corrections(lambda: now), (DEPLOYMENTS, "uid"), [Drift(IMAGE, "kubectl-set", False)]
    waits = []
    for _ in range(2000):
        corrections.count(child, image)
        waits.append(corrections.wait(child, image))
        now += waits[-1]
    assert waits[:5] == [0, 1, 2, 4, 8]
    assert max(waits) == LONGEST_WAIT
    now += 600
    assert corrections.count(child, image) == 1
    assert corrections.wait(child, image) == 0


def test_other_edits_of_a_child_are_no_fight_until_there_are_many() -> None:
    now = 100.0
    corrections, child = Corrections(lambda: now), (DEPLOYMENTS, "uid")
    for number in range(100):
        edit = [Drift((*ENV, f"f:{number}"), "kubectl", False)]
        wait = corrections.wait(child, edit)
        assert (wait > 0) == (number > BURST)
        now += wait
        assert corrections.count(child, edit) == 1
    assert wait == LONGEST_WAIT
    assert corrections.wait((DEPLOYMENTS, "other"), edit) == 0


def test_the_warning_of_a_fight_keeps_its_words() -> None:
    owner = {"kind": "ModelDeployment", "metadata": {"name": "coffee"}}
    drifts = [Drift(IMAGE, "kubectl-set", False)]
    first, later, latest = (note_of(defaulted(), owner, drifts, count) for count in (1, RECURRING, RECURRING + 5))
    assert first.reason == "DriftCorrected"
    assert first.message == (
        "Deployment a: spec.template.spec.containers[name=server].image was changed by kubectl-set; "
        "set back, since ModelDeployment coffee owns it: change its spec instead"
    )
    assert later.reason == "DriftRecurring"
    assert later == latest
