"""Checks that a pod's failure is explained with the field of spec that helps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelyard.workload.conclude import Trouble
from modelyard.workload.run import failures
from modelyard.workload.run.failures import INSTALLATION, SPEC, Fields
from modelyard.workload.run.results import parse
from modelyard_api.wire.result import Error, Failed

OWN = Fields(own_image="spec.trainer.container.image")


def status(name: str, **state: Any) -> dict[str, Any]:
    return {"name": name, "image": "i:1", "state": state}


def pod(*statuses: dict[str, Any], init: tuple[dict[str, Any], ...] = (), phase: str = "Failed") -> dict[str, Any]:
    spec = {"containers": [{"name": "main", "resources": {"limits": {"memory": "1Gi"}}}]}
    status = {"phase": phase, "containerStatuses": list(statuses), "initContainerStatuses": list(init)}
    return {"metadata": {"name": "p"}, "spec": spec, "status": status}


def probed(pod: dict[str, Any]) -> dict[str, Any]:
    """Returns the pod with a liveness probe: the kubelet kills a container that does not answer it."""
    pod["spec"]["containers"][0]["livenessProbe"] = {"tcpSocket": {"port": 1}}
    return pod


def deleted(pod: dict[str, Any]) -> dict[str, Any]:
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return pod


def waits(reason: str, name: str = "main", message: str = "") -> dict[str, Any]:
    return pod(status(name, waiting={"reason": reason, "message": message}), phase="Pending")


def ends(code: int, name: str = "main", message: str = "", reason: str = "Error") -> dict[str, Any]:
    return status(name, terminated={"exitCode": code, "message": message, "reason": reason})


@pytest.mark.parametrize("reason", failures.IMAGE_REASONS)
@pytest.mark.parametrize(
    ("fields", "name", "field"),
    [(SPEC, "main", "spec.podTemplate.image"), (INSTALLATION, "main", "images.runtime of the installation"),
     (OWN, "main", "spec.trainer.container.image"), (OWN, "collect", "images.runtime of the installation")],
)  # fmt: skip
def test_an_image_that_cannot_be_pulled(reason: str, fields: Fields, name: str, field: str) -> None:
    trouble = failures.waiting([waits(reason, name)], fields)
    assert trouble is not None
    assert trouble.reason == "ImagePullFailed"
    assert trouble.message.startswith(f"{field}: the image 'i:1'")
    assert (reason if reason != "ErrImagePull" else "ImagePullBackOff") in trouble.message


def test_a_pull_and_the_pause_after_it_are_told_alike() -> None:
    """The kubelet alternates between the two, and each other text would be a write of the status."""
    cause = "rpc error: code = NotFound desc = i:1: not found"
    pull = failures.waiting([waits("ErrImagePull", message=cause)])
    pause = failures.waiting(
        [waits("ImagePullBackOff", message=f'Back-off pulling image "i:1": ErrImagePull: {cause}')]
    )
    assert pull == pause
    assert pull is not None
    assert f"(ImagePullBackOff: {cause})" in pull.message


def test_the_end_of_a_long_error_of_a_pull_is_told() -> None:
    """It is the cause; the name of the image stands before it, twice and with its digest."""
    name = f"registry.example.svc:5001/team-of-a-long-name/churn@sha256:{'0' * 64}"
    cause = f'failed to pull and unpack image "{name}": failed to resolve reference "{name}": no basic auth credentials'
    trouble = failures.waiting([waits("ErrImagePull", message=cause)])
    assert trouble is not None
    assert "no basic auth credentials); correct its name" in trouble.message
    assert len(trouble.message) < 600


def test_a_container_that_cannot_be_made() -> None:
    trouble = failures.waiting([waits("CreateContainerConfigError", message='secret "x" not found')])
    assert trouble == Trouble("CreateContainerConfigError", "container 'main' can't be started: secret \"x\" not found")


def test_waiting_for_nothing_special_is_no_trouble() -> None:
    assert failures.waiting([]) is None
    assert failures.waiting([waits("ContainerCreating"), waits("PodInitializing")]) is None


def test_what_an_ended_pod_once_waited_for_is_no_news() -> None:
    old = waits("ErrImagePull")
    old["status"]["phase"] = "Failed"
    assert failures.waiting([old, waits("ContainerCreating")]) is None


@pytest.mark.parametrize(
    ("pods", "fields", "reason", "says"),
    [
        (
            [pod(ends(137, reason="OOMKilled"))],
            SPEC,
            "OOMKilled",
            "1Gi; raise spec.podTemplate.resources.limits.memory",
        ),
        ([pod(ends(137, reason="OOMKilled"))], INSTALLATION, "OOMKilled", "raise resources.run of the installation"),
        ([pod(ends(1, message="a\nb\n"))], SPEC, "PodFailed", "kubectl logs p -c main"),
        ([pod(ends(1, message="a\nb\n"))], OWN, "ContainerFailed", "exit code 1; its last line: b"),
        ([pod(ends(139))], OWN, "ContainerFailed", "spec.trainer.container was killed by signal 11 (SIGSEGV); see"),
        # On a busy node the kubelet does not learn of every lack of memory.
        ([pod(ends(137))], SPEC, "OOMKilled", "(SIGKILL), most likely for using more than its memory limit of 1Gi"),
        ([pod(ends(137))], OWN, "OOMKilled", "most likely for using more than its memory limit of 1Gi; raise spec."),
        ([pod(ends(137, message="b\n"))], SPEC, "OOMKilled", "limits.memory; its last line: b"),
        (
            [pod(ends(0), init=(ends(137, "lay-out"),))],
            SPEC,
            "PodFailed",
            "container 'lay-out' was killed by signal 9 (SIGKILL); see",
        ),
        ([probed(pod(ends(137)))], SPEC, "PodFailed", "container 'main' was killed by signal 9 (SIGKILL); see"),
        ([deleted(pod(ends(137)))], SPEC, "PodFailed", "container 'main' was killed by signal 9 (SIGKILL); see"),
        ([pod(ends(255))], SPEC, "PodFailed", "ended with exit code 255"),
        ([pod(ends(0), init=(ends(4, "lay-out"),))], OWN, "PodFailed", "'lay-out' ended with exit code 4"),
        # The installation, not the user's template, sets a helper's memory.
        (
            [pod(ends(0), init=(ends(137, "lay-out", reason="OOMKilled"),))],
            OWN,
            "OOMKilled",
            "raise resources.run of",
        ),
        (
            [pod(ends(1, message=f"OSError: [Errno 28] {failures.NO_SPACE}"))],
            OWN,
            "DiskFull",
            "requests.ephemeral-storage",
        ),
        # The main container's end is reported in preference to that of its helpers.
        ([pod(ends(3), init=(ends(2, "collect"),))], OWN, "ContainerFailed", "exit code 3"),
        # The newest failed pod counts, not one that is still starting.
        ([pod(ends(1)), pod(ends(9)), waits("ContainerCreating")], SPEC, "PodFailed", "exit code 9"),
    ],
)
def test_how_pods_ended(pods: list[dict[str, Any]], fields: Fields, reason: str, says: str) -> None:
    trouble = failures.ended(pods, fields)
    assert trouble is not None
    assert trouble.reason == reason
    assert says in trouble.message


def test_our_own_termination_message_is_told_as_it_is() -> None:
    message = json.dumps({"kind": "Failed", "error": {"reason": "OneClass", "message": "y holds only yes"}})
    assert failures.ended([pod(ends(2, message=message))]) == Trouble("OneClass", "y holds only yes")
    for other in ('{"kind": "Train"}', "[1]", "17", "{", '{"kind": "Failed"}'):
        trouble = failures.ended([pod(ends(2, message=other))])
        assert trouble is not None
        assert trouble.reason == "PodFailed"


def disrupted(pod: dict[str, Any], reason: str) -> dict[str, Any]:
    pod["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True", "reason": reason}]
    return pod


def evicted(message: str) -> dict[str, Any]:
    victim = pod(ends(137))
    victim["spec"]["nodeName"] = "n-1"
    victim["status"] |= {"reason": "Evicted", "message": message}
    return victim


def refused(reason: str, message: str) -> dict[str, Any]:
    """Returns a pod of which no container was ever started."""
    spec = {"nodeName": "n-1"}
    return {
        "metadata": {"name": "p"},
        "spec": spec,
        "status": {"phase": "Failed", "reason": reason, "message": message},
    }


OVER = "Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. "
REFUSED = "Pod was rejected: The node had condition: [DiskPressure]. "
LOW = "The node was low on resource: {}. Threshold quantity: 2Gi, available: 1Gi. Container main was using 24Ki. "


@pytest.mark.parametrize(
    ("pod", "reason", "says"),
    [
        (evicted(OVER), "Evicted", "containers 20Mi; raise spec.podTemplate.resources.limits.ephemeral-storage"),
        (
            disrupted(evicted(LOW.format("memory")), "TerminationByKubelet"),
            "Evicted",
            "requests.memory; it does not count",
        ),
        (
            disrupted(evicted(LOW.format("ephemeral-storage")), "TerminationByKubelet"),
            "Evicted",
            "free node 'n-1', or ask for what the pod uses in spec.podTemplate.resources.requests.ephemeral-storage",
        ),
        (
            evicted(REFUSED),
            "Evicted",
            "node 'n-1' refused pod p: The node had condition: [DiskPressure]; free the node, unless it recovers by "
            "itself; it does not count as a failed attempt",
        ),
        (refused("OutOfcpu", "Pod was rejected: Node didn't have enough cpu"), "Disrupted", "OutOfcpu: Node didn't"),
        (refused("NodeShutdown", "Pod was rejected as the node is shutting down."), "Disrupted", "is shutting down;"),
        (refused("UnexpectedAdmissionError", "no such device"), "PodFailed", "was refused by node 'n-1'"),
        (disrupted(pod(ends(143)), "EvictionByEvictionAPI"), "Disrupted", "evicted from its node, as a drain does"),
        (disrupted(pod(ends(137)), "DeletionByTaintManager"), "Disrupted", "its node is lost, or was tainted"),
        (disrupted(pod(ends(137)), "PreemptionByScheduler"), "Disrupted", "higher priority"),
        (disrupted(pod(ends(137)), "SomethingNew"), "Disrupted", "SomethingNew"),
    ],
)
def test_pods_that_were_taken_away(pod: dict[str, Any], reason: str, says: str) -> None:
    trouble = failures.ended([pod])
    assert trouble is not None
    assert trouble.reason == reason
    assert says in trouble.message
    assert "was using" not in trouble.message


def test_no_message_is_long() -> None:
    trouble = failures.ended([pod(ends(1, message="x" * 5000))], OWN)
    assert trouble is not None
    assert len(trouble.message) < 500


def job(reason: str = "BackoffLimitExceeded", message: str = "limit") -> dict[str, Any]:
    failed = {"type": "Failed", "status": "True", "reason": reason, "message": message}
    return {"spec": {"activeDeadlineSeconds": 9}, "status": {"conditions": [failed]}}


WROTE = Failed(error=Error(reason="Written", message="by the program"))


@pytest.mark.parametrize(
    ("obj", "pods", "wrote", "fields", "reason"),
    [
        (job("DeadlineExceeded"), [pod(ends(1))], WROTE, SPEC, "DeadlineExceeded"),
        (job(), [pod(ends(1))], WROTE, SPEC, "Written"),
        (job(), [pod(ends(1))], WROTE, OWN, "ContainerFailed"),
        (job(), [evicted(OVER)], WROTE, OWN, "Evicted"),
        (job(), [pod(ends(0))], WROTE, OWN, "Written"),
        (job(), [pod(ends(1))], None, SPEC, "PodFailed"),
        (job(), [], None, SPEC, "BackoffLimitExceeded"),
    ],
)
def test_the_best_explanation_wins(
    obj: dict[str, Any], pods: list[dict[str, Any]], wrote: Failed | None, fields: Fields, reason: str
) -> None:
    assert failures.of_job(obj, pods, wrote, fields).reason == reason


def test_a_job_without_a_message_still_says_something() -> None:
    assert failures.of_job(job(message=""), [], None).message == "the Job failed, and its pods are gone"


NO_WORDS = ("", "A", "a b", "lower", "R" * 64, "Line\n")


@pytest.mark.parametrize(
    "document",
    [
        *([], 1, {}, {"kind": "Other"}, {"kind": "Train"}, {"kind": "Failed", "error": 1}),
        *({"kind": "Failed", "error": {"reason": word, "message": "why"}} for word in NO_WORDS),
    ],
)
def test_a_result_that_cannot_be_understood_is_a_failure_and_no_exception(document: Any) -> None:
    result = parse(document, "mlflow-artifacts:/x")
    assert isinstance(result, Failed)
    assert result.error.reason == "ResultUnreadable"
    assert "mlflow-artifacts:/x" in result.error.message
    assert "\n" not in result.error.message


def test_a_result_that_is_there_or_not() -> None:
    assert parse(None, "u") is None
    assert parse(WROTE.wire(), "u") == WROTE
