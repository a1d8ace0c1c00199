"""What went wrong in a pod, in words that name the field that helps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelyard.workload import failures
from modelyard.workload.failures import INSTALLATION, SPEC, Fields, Trouble
from modelyard.workload.run.results import parse
from modelyard_api.wire.result import Error, Failed

OWN = Fields(own_image="spec.trainer.container.image")


def status(name: str, **state: Any) -> dict[str, Any]:
    return {"name": name, "image": "i:1", "state": state}


def pod(*statuses: dict[str, Any], init: tuple[dict[str, Any], ...] = (), phase: str = "Failed") -> dict[str, Any]:
    spec = {"containers": [{"name": "main", "resources": {"limits": {"memory": "1Gi"}}}]}
    found = {"phase": phase, "containerStatuses": list(statuses), "initContainerStatuses": list(init)}
    return {"metadata": {"name": "p"}, "spec": spec, "status": found}


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
    found = failures.waiting([waits(reason, name)], fields)
    assert found is not None
    assert found.reason == "ImagePullFailed"
    assert found.message.startswith(f"{field}: the image 'i:1'")
    assert reason in found.message


def test_a_container_that_cannot_be_made() -> None:
    found = failures.waiting([waits("CreateContainerConfigError", message='secret "x" not found')])
    assert found == Trouble("CreateContainerConfigError", "container 'main' can't be started: secret \"x\" not found")


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
        ([pod(ends(0), init=(ends(4, "lay-out"),))], OWN, "PodFailed", "'lay-out' ended with exit code 4"),
        # A helper's memory is the installation's.
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
        # The main container's own end is told before what its helpers made of it.
        ([pod(ends(3), init=(ends(2, "collect"),))], OWN, "ContainerFailed", "exit code 3"),
        # The newest pod that failed, not one that still starts.
        ([pod(ends(1)), pod(ends(9)), waits("ContainerCreating")], SPEC, "PodFailed", "exit code 9"),
    ],
)
def test_how_pods_ended(pods: list[dict[str, Any]], fields: Fields, reason: str, says: str) -> None:
    found = failures.ended(pods, fields)
    assert found is not None
    assert found.reason == reason
    assert says in found.message


def test_our_own_termination_message_is_told_as_it_is() -> None:
    message = json.dumps({"kind": "Failed", "error": {"reason": "OneClass", "message": "y holds only yes"}})
    assert failures.ended([pod(ends(2, message=message))]) == Trouble("OneClass", "y holds only yes")
    for other in ('{"kind": "Train"}', "[1]", "17", "{", '{"kind": "Failed"}'):
        found = failures.ended([pod(ends(2, message=other))])
        assert found is not None
        assert found.reason == "PodFailed"


def taken(pod: dict[str, Any], why: str) -> dict[str, Any]:
    pod["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True", "reason": why}]
    return pod


def evicted(message: str) -> dict[str, Any]:
    found = pod(ends(137))
    found["status"] |= {"reason": "Evicted", "message": message}
    return found


OVER = "Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. "
LOW = "The node was low on resource: {}. Threshold quantity: 2Gi, available: 1Gi. Container main was using 24Ki. "


@pytest.mark.parametrize(
    ("pod", "reason", "says"),
    [
        (evicted(OVER), "Evicted", "containers 20Mi; raise spec.podTemplate.resources.limits.ephemeral-storage"),
        (taken(evicted(LOW.format("memory")), "TerminationByKubelet"), "Evicted", "requests.memory; it does not count"),
        (
            taken(evicted(LOW.format("ephemeral-storage")), "TerminationByKubelet"),
            "Evicted",
            "requests.ephemeral-storage",
        ),
        (taken(pod(ends(143)), "EvictionByEvictionAPI"), "Disrupted", "evicted from its node, as a drain does"),
        (taken(pod(ends(137)), "DeletionByTaintManager"), "Disrupted", "its node is lost, or was tainted"),
        (taken(pod(ends(137)), "PreemptionByScheduler"), "Disrupted", "higher priority"),
        (taken(pod(ends(137)), "SomethingNew"), "Disrupted", "SomethingNew"),
    ],
)
def test_pods_that_were_taken_away(pod: dict[str, Any], reason: str, says: str) -> None:
    found = failures.ended([pod])
    assert found is not None
    assert found.reason == reason
    assert says in found.message
    assert "was using" not in found.message


def test_no_message_is_long() -> None:
    found = failures.ended([pod(ends(1, message="x" * 5000))], OWN)
    assert found is not None
    assert len(found.message) < 500


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


@pytest.mark.parametrize("document", [[], 1, {}, {"kind": "Other"}, {"kind": "Train"}, {"kind": "Failed", "error": 1}])
def test_a_result_that_cannot_be_understood_is_a_failure_and_no_exception(document: Any) -> None:
    found = parse(document, "mlflow-artifacts:/x")
    assert isinstance(found, Failed)
    assert found.error.reason == "ResultUnreadable"
    assert "mlflow-artifacts:/x" in found.error.message
    assert "\n" not in found.error.message


def test_a_result_that_is_there_or_not() -> None:
    assert parse(None, "u") is None
    assert parse(WROTE.wire(), "u") == WROTE
