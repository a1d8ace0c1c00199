"""Checks what is told about a Deployment's pods that are not ready, and that ready ones are never read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import EventsOf, Facts, Fetch, Missing, PodsWith, Unavailable
from modelyard.engine.resource import NODES
from modelyard.workload.run.failures import Fields
from modelyard.workload.unready import Described, Unready, inspect

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
PODS = PodsWith("team", "a=b")
DESCRIBED = Described(PODS, Fields(), 180)
NODE = Fetch(NODES, "", "n-1")
MOUNTS = EventsOf("team", "u", "FailedMount")
DOWN = {"status": {"conditions": [{"type": "Ready", "status": "Unknown", "lastTransitionTime": "11:59"}]}}
OVERDUE = {"type": "Progressing", "status": "False", "message": "timed out", "lastUpdateTime": timestamp(NOW)}


def ago(seconds: float) -> str:
    return timestamp(NOW - timedelta(seconds=seconds))


def child(
    ready: int = 0, updated: int = 2, age: float = 20, conditions: Any = (), observed: int = 1, older: int = 0
) -> dict[str, Any]:
    counts = {"replicas": updated + older, "updatedReplicas": updated, "availableReplicas": ready}
    status = {"observedGeneration": observed, "conditions": list(conditions), **counts}
    return {"metadata": {"creationTimestamp": ago(age), "generation": 1}, "spec": {"replicas": 2}, "status": status}


def pod(*statuses: dict[str, Any], init: Any = (), template: str = "one", **status: Any) -> dict[str, Any]:
    limits = {"resources": {"limits": {"memory": "16Mi"}}}
    spec = {"nodeName": "n-1", "containers": [{"name": "server", **limits}], "initContainers": [{"name": "fetch"}]}
    status = {"phase": "Pending", "containerStatuses": list(statuses), "initContainerStatuses": list(init), **status}
    meta = {"name": "p", "namespace": "team", "uid": "u", "labels": {"pod-template-hash": template}}
    return {"metadata": meta, "spec": spec, "status": status}


def waits(reason: str, name: str = "server", last: Any = None, restarts: int = 0, **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, **more}}
    return {"name": name, "image": "i:1", "state": state, "lastState": last or {}, "restartCount": restarts}


def end(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def said(reason: str, message: str) -> str:
    return json.dumps({"kind": "Failed", "error": {"reason": reason, "message": message}})


def crashed(code: int, message: str = "", reason: str = "Error", name: str = "server", restarts: int = 1) -> Any:
    return waits("CrashLoopBackOff", name, end(code, reason, message), restarts)


def conditions(**kinds: str) -> list[dict[str, Any]]:
    return [{"type": type_, "status": status} for type_, status in kinds.items()]


INIT_KILLED = "container init was OOM-killed (memory limit too low?): unknown"
READY = pod(phase="Running", conditions=conditions(Ready="True"))
STARTING = pod(waits("ContainerCreating"))
UNSCHEDULABLE = pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/2 nodes: no such label"}])


def inspected(obj: dict[str, Any], *pods: dict[str, Any], node: Any = None, events: Any = ()) -> Unready:
    return inspect(obj, DESCRIBED, Facts({PODS: list(pods), NODE: node, MOUNTS: list(events)}), NOW)


@pytest.mark.parametrize("obj", [child(ready=2), child(ready=3, updated=3), child(observed=0)])
def test_pods_that_are_ready_are_not_read(obj: dict[str, Any]) -> None:
    assert inspect(obj, DESCRIBED, Facts(), NOW) == Unready()


def test_pods_are_read_while_those_of_an_earlier_template_serve_in_their_place() -> None:
    trouble = inspected(child(ready=2, updated=2, older=2), UNSCHEDULABLE).trouble
    assert trouble is not None
    assert trouble.reason == "Unschedulable"


@pytest.mark.parametrize(
    "progress",
    [
        child(age=4),
        child(age=4000, conditions=[{"type": "Available", "status": "False", "lastTransitionTime": ago(4)}]),
        child(age=4000, conditions=[{"type": "Progressing", "status": "True", "lastUpdateTime": ago(4)}]),
    ],
)
def test_pods_that_have_just_started_or_been_lost_are_not_read(progress: dict[str, Any]) -> None:
    assert inspect(progress, DESCRIBED, Facts(), NOW) == Unready(after=NOW + timedelta(seconds=6))


@pytest.mark.parametrize(("age", "seconds"), [(10, 10), (60, 15), (3600, 30)])
def test_others_are_read_again_and_again(age: float, seconds: float) -> None:
    with pytest.raises(Missing) as missing:
        inspect(child(age=age), DESCRIBED, Facts(), NOW)
    assert missing.value.needs == (PODS,)
    assert inspected(child(age=age), STARTING) == Unready(after=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("pods", "reason", "stalled", "says"),
    [
        ([pod(waits("ImagePullBackOff"))], "ImagePullFailed", True, "spec.podTemplate.image: the image 'i:1'"),
        ([pod(waits("InvalidImageName"))], "ImagePullFailed", True, "correct its name"),
        ([pod(waits("CreateContainerConfigError", message="no secret"))], "CreateContainerConfigError", True, "secret"),
        ([UNSCHEDULABLE], "Unschedulable", True, "0/2 nodes: no such label; lower spec.podTemplate.resources.requests"),
        ([pod(waits("RunContainerError", message=f"runc: {INIT_KILLED}"))], "OOMKilled", True, "limit of 16Mi"),
        ([pod(crashed(128, f"runc: {INIT_KILLED}", "StartError"))], "OOMKilled", True, "limit of 16Mi"),
        # A container that ended is told whether it waits for its next start, has just ended, or runs again.
        ([pod(crashed(137, reason="OOMKilled"))], "OOMKilled", True, "memory limit of 16Mi; raise spec.podTemplate"),
        ([pod({"name": "server", "state": end(137, "OOMKilled")})], "OOMKilled", True, "16Mi"),
        (
            [pod({"name": "server", "state": {"running": {}}, "lastState": end(137, "OOMKilled")})],
            "OOMKilled",
            True,
            "",
        ),
        ([pod(waits("PodInitializing"), init=(crashed(137, "", "OOMKilled", "fetch"),))], "OOMKilled", True, "'fetch'"),
        (
            [pod(init=(crashed(2, said("DigestMismatch", "a is not b"), name="fetch"),))],
            "DigestMismatch",
            True,
            "a is not b",
        ),
        ([pod(init=(crashed(2, said("ArtifactMissing", "404"), name="fetch"),))], "ArtifactMissing", True, "404"),
        (
            [pod(init=(crashed(1, said("TrackingUnavailable", "no answer"), name="fetch", restarts=9),))],
            "TrackingUnavailable",
            False,
            "no answer",
        ),
        ([pod(crashed(2, said("InvalidModel", "not its example")))], "InvalidModel", True, "not its example"),
        (
            [pod(crashed(1, "boom"))],
            "PodFailed",
            False,
            "exit code 1; its last line: boom; see kubectl logs p -c server",
        ),
        ([pod(crashed(1, "boom", restarts=3))], "PodFailed", True, "boom"),
        ([pod(crashed(0))], "PodFailed", False, "because it did not answer its probes"),
        # The newest template counts, and in it the newest pod with a known cause, if none is ready.
        ([pod(crashed(1), template="old"), STARTING], None, False, ""),
        ([UNSCHEDULABLE, STARTING, READY], "Unschedulable", True, ""),
        ([READY, READY], None, False, ""),
        ([], None, False, ""),
    ],
)
def test_what_is_told(pods: Any, reason: str | None, stalled: bool, says: str) -> None:
    unready = inspected(child(), *pods)
    assert (unready.trouble and unready.trouble.reason, unready.stalled) == (reason, stalled)
    assert says in (unready.trouble.message if unready.trouble else "")
    assert unready.after is not None


def test_a_pod_that_is_being_deleted_or_has_begun_to_serve_again_is_no_trouble() -> None:
    deleted = pod(crashed(1))
    deleted["metadata"]["deletionTimestamp"] = timestamp(NOW)
    assert inspected(child(), deleted).trouble is None
    recovered = {"name": "server", "ready": True, "state": {"running": {}}, "lastState": end(1)}
    assert inspected(child(), pod(recovered)).trouble is None
    fetched = {"name": "fetch", "ready": True, "state": end(0), "lastState": end(1)}
    assert inspected(child(), pod(waits("PodInitializing"), init=(fetched,))).trouble is None


@pytest.mark.parametrize(("seconds", "reason"), [(14, None), (15, "FetchingModel")])
def test_a_model_that_takes_long_to_come_is_told(seconds: float, reason: str | None) -> None:
    fetching = {"name": "fetch", "state": {"running": {"startedAt": ago(seconds)}}}
    unready = inspected(child(), pod(waits("PodInitializing"), init=(fetching,)))
    assert (unready.trouble and unready.trouble.reason, unready.stalled) == (reason, False)
    if unready.trouble:
        assert "the tracking server doesn't answer; see kubectl logs p -c fetch" in unready.trouble.message
    again = fetching | {"lastState": end(1, message=said("TrackingUnavailable", "no answer"))}
    unready = inspected(child(), pod(waits("PodInitializing"), init=(again,)))
    assert unready.trouble is not None
    assert unready.trouble.reason == "TrackingUnavailable", "what is known goes before what is guessed"


def test_a_sidecar_that_runs_fetches_nothing_for_long() -> None:
    running = {"name": "fetcher", "ready": True, "state": {"running": {"startedAt": ago(900)}}}
    sidecar = pod(waits("ContainerCreating"), init=(running,))
    sidecar["spec"]["initContainers"] = [{"name": "fetcher", "restartPolicy": "Always"}]
    assert inspected(child(), sidecar).trouble is None


def test_a_pod_that_its_node_refused_is_told() -> None:
    unready = inspected(child(), pod(phase="Failed", reason="OutOfcpu", message="Node didn't have enough: cpu"))
    assert unready.trouble is not None
    assert unready.trouble.reason == "Disrupted"
    assert "node 'n-1' refused pod p: OutOfcpu: Node didn't have enough: cpu; free the node" in unready.trouble.message


def test_an_evicted_pod_is_told_until_another_one_runs() -> None:
    gone = pod(phase="Failed", reason="Evicted", message="Pod was rejected: The node had condition: [DiskPressure]. ")
    before, pulled = pod(phase="Running"), pod(waits("ContainerCreating"))
    for pods, reason in (
        ((gone,), "Evicted"),
        ((before, gone), "Evicted"),
        ((before, gone, pulled), "Evicted"),
        ((before, gone, pod(phase="Running")), None),
        ((gone, pod(phase="Running"), pulled), None),
    ):
        unready = inspected(child(ready=1), *pods)
        assert (unready.trouble and unready.trouble.reason, unready.stalled) == (reason, False), pods


def test_a_node_that_does_not_answer_is_told() -> None:
    lost = pod(phase="Running", conditions=conditions(Ready="False", ContainersReady="True"))
    unready = inspected(child(ready=1), lost, node=DOWN)
    assert unready.trouble is not None
    assert (unready.trouble.reason, unready.stalled) == ("NodeNotReady", False)
    gated = {"status": {"conditions": conditions(Ready="True")}}
    assert inspected(child(ready=1), lost, node=gated).trouble is None, "another readiness gate holds it up"
    assert inspected(child(ready=1), lost, node=Unavailable("403")).trouble is None


def test_after_the_deadline_the_pods_still_have_the_first_word() -> None:
    late = child(age=200, conditions=[OVERDUE])
    unready = inspected(late, pod(waits("ImagePullBackOff")))
    assert unready.trouble is not None
    assert unready.trouble.reason == "ImagePullFailed"
    for pods in ([STARTING], Unavailable("403")):
        unready = inspect(late, DESCRIBED, Facts({PODS: pods, MOUNTS: []}), NOW)
        assert unready.trouble is not None
        assert (unready.trouble.reason, unready.stalled) == ("RolloutFailed", True)
        assert "not all pods are ready after 180 s (timed out); see kubectl describe pods -l a=b" in (
            unready.trouble.message
        )


@pytest.mark.parametrize(
    ("words", "reason", "stalled"),
    [
        ("exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0", "QuotaExceeded", True),
        ("exceeded quota: q, requested: limits.memory=1Gi,pods=1, used: limits.memory=3Gi,pods=3, "
         "limited: limits.memory=3500Mi,pods=9", "QuotaExceeded", False),
        ("violates PodSecurity \"restricted:latest\"", "ChildForbidden", True),
    ],
)  # fmt: skip
def test_pods_that_are_not_created_need_no_read(words: str, reason: str, stalled: bool) -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": f'pods "m-v1-x-" is forbidden: {words}'}
    unready = inspect(child(age=1, conditions=[failure]), DESCRIBED, Facts(), NOW)
    assert unready.trouble is not None
    assert (unready.trouble.reason, unready.stalled, unready.after) == (reason, stalled, None)
    assert f"pods can't be created: {words}; " in unready.trouble.message


@pytest.mark.parametrize(
    ("note", "age", "stalled"),
    [('secret "s" not found', 5, True), ("volume is attached elsewhere", 5, False), ("old", 300, None)],
)
def test_a_volume_that_cannot_be_mounted_is_told(note: str, age: float, stalled: bool | None) -> None:
    event = {"metadata": {"creationTimestamp": ago(age)}, "note": note, "eventTime": ago(age)}
    unready = inspected(child(), STARTING, events=[event])
    if stalled is None:
        assert unready.trouble is None
        return
    assert unready.trouble is not None
    assert (unready.trouble.reason, unready.stalled) == ("VolumeNotMounted", stalled)
    assert note in unready.trouble.message
