"""Checks how a controller reads a Job: phase, attempts, failed pods, and when to look at its pods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Patch
from modelyard.engine.resource import JOBS
from modelyard.workload.run import jobs
from modelyard.workload.run.jobs import JobPhase
from modelyard_api.fields.pods import PodTemplate, RunPolicy
from modelyard_api.wire.result import Error, Failed

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def job(status: Any = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "team", "name": "j", "uid": "u"}, "spec": spec} | (
        {"status": status} if status is not None else {}
    )


def conditions(*types: str, status: str = "True") -> dict[str, Any]:
    return {"conditions": [{"type": type_, "status": status} for type_ in types]}


@pytest.mark.parametrize(
    ("obj", "phase"),
    [
        (job(), JobPhase.ACTIVE),
        (job({}), JobPhase.ACTIVE),
        (job({}, suspend=False), JobPhase.ACTIVE),
        (job({}, suspend=True), JobPhase.SUSPENDED),
        (job(conditions("Suspended"), suspend=True), JobPhase.SUSPENDED),
        (job(conditions("SuccessCriteriaMet")), JobPhase.COMPLETE),
        (job(conditions("SuccessCriteriaMet", "Complete")), JobPhase.COMPLETE),
        (job(conditions("Complete"), suspend=True), JobPhase.COMPLETE),
        (job(conditions("FailureTarget")), JobPhase.ACTIVE),
        (job(conditions("FailureTarget", "Failed")), JobPhase.FAILED),
        (job(conditions("Complete", status="False")), JobPhase.ACTIVE),
    ],
)
def test_phase(obj: dict[str, Any], phase: JobPhase) -> None:
    assert jobs.phase(obj) is phase


@pytest.mark.parametrize(
    ("status", "attempts", "remaining", "ending", "interrupted"),
    [
        (None, 0, 3, False, False),
        ({"active": 1}, 1, 3, False, False),
        ({"active": 1, "failed": 2}, 3, 1, False, True),
        ({"active": 1, "failed": 2, "ready": 1}, 3, 1, False, False),
        ({"failed": 1}, 1, 2, False, True),
        ({"failed": 3}, 3, 0, True, True),
        ({"failed": 1, **conditions("FailureTarget")}, 1, 2, True, True),
        ({"succeeded": 1}, 1, 3, True, False),
        ({"terminating": 1}, 0, 3, False, True),
        ({"active": 0, "uncountedTerminatedPods": {"failed": ["u"]}}, 0, 3, False, True),
        ({"active": 0, "uncountedTerminatedPods": {"succeeded": ["u"]}}, 0, 3, True, False),
        ({"active": 1, "uncountedTerminatedPods": {}, "terminating": 0}, 1, 3, False, False),
    ],
)
def test_attempts_and_the_time_between_pods(
    status: Any, attempts: int, remaining: int, ending: bool, interrupted: bool
) -> None:
    obj = job(status, backoffLimit=2)
    assert (jobs.attempts(obj), jobs.attempts_left(obj)) == (attempts, remaining)
    assert (jobs.is_ending(obj), jobs.was_interrupted(obj)) == (ending, interrupted)


def new_job(before: int = 0, asks_store: str = "main") -> Any:
    task = Failed(error=Error(reason="BadRows", message="m"))
    return jobs.job({"name": "j", "labels": {}}, task, {}, RunPolicy(), PodTemplate(), before, asks_store)


def test_a_job_that_replaces_another_has_what_is_left_of_its_attempts() -> None:
    successor = new_job(before=2)
    assert successor["spec"]["backoffLimit"] == 1
    successor["status"] = {"active": 1, "failed": 1}
    assert (jobs.attempts(successor), jobs.failed_attempts(successor), jobs.attempts_left(successor)) == (4, 3, 1)
    assert new_job(before=9)["spec"]["backoffLimit"] == 0


@pytest.mark.parametrize(
    ("condition", "codes", "verdict"),
    [
        ("DisruptionTarget", {"main": 2}, "Ignore"),
        ("Ready", {"main": 2, "lay-out": 0}, "FailJob"),
        ("Ready", {"lay-out": 75}, "Ignore"),
        ("Ready", {"main": 75}, "Count"),
        ("Ready", {"main": 1, "collect": 75}, "Count"),
        ("Ready", {"lay-out": 2}, "Count"),
    ],
)
def test_what_a_job_makes_of_a_failed_pod(condition: str, codes: dict[str, int], verdict: str) -> None:
    containers = [{"name": name, "state": {"terminated": {"exitCode": code}}} for name, code in codes.items()]
    status = {"phase": "Failed", "conditions": [{"type": condition, "status": "True"}], "containerStatuses": containers}
    policed = new_job(asks_store="lay-out")
    assert jobs.verdict(policed, {"status": status}) == verdict
    remaining = {"Ignore": 4, "FailJob": 0, "Count": 3}[verdict]
    assert jobs.attempts_left(policed, [{"status": status}]) == remaining


def test_what_is_nobodys_failed_attempt_is_not_counted() -> None:
    rules = new_job(asks_store="x")["spec"]["podFailurePolicy"]["rules"]
    assert [rule["action"] for rule in rules] == ["Ignore", "FailJob", "Ignore"]
    assert rules[0]["onPodConditions"] == [{"type": "DisruptionTarget"}]
    codes = [(rule["onExitCodes"]["containerName"], rule["onExitCodes"]["values"]) for rule in rules[1:]]
    assert codes == [("main", [2]), ("x", [75])]


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        ({"active": 1, "ready": 1, "startTime": timestamp(NOW)}, None),
        ({"succeeded": 1, "startTime": timestamp(NOW)}, None),
        ({"failed": 1, "startTime": timestamp(NOW)}, 0),
        ({"terminating": 1, "startTime": timestamp(NOW)}, 0),
        ({"failed": 7, "startTime": timestamp(NOW)}, None),
        ({"active": 1, "ready": 0, "startTime": timestamp(NOW)}, 20),
        ({"active": 1, "startTime": timestamp(NOW - timedelta(minutes=1))}, -40),
        ({}, 20),
    ],
)
def test_when_the_pods_are_looked_at(status: Any, seconds: int | None) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert jobs.look_at_pods(job(status), NOW) == expected


@pytest.mark.parametrize(("waited", "seconds"), [(0, 10), (20, 10), (400, 100), (86400, 300)])
def test_pods_that_wait_for_long_are_looked_at_rarely(waited: int, seconds: int) -> None:
    status = {"startTime": timestamp(NOW - timedelta(seconds=waited)), "active": 1}
    assert jobs.look_again(job(status), NOW) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("spec", "policy", "body"),
    [
        ({}, {}, None),
        ({"suspend": False}, {"suspend": True}, {"suspend": True}),
        ({"suspend": True}, {}, {"suspend": False}),
        ({}, {"activeDeadlineSeconds": 5}, {"activeDeadlineSeconds": 5}),
        ({"activeDeadlineSeconds": 5}, {}, {"activeDeadlineSeconds": None}),
        ({"backoffLimit": 0}, {"backoffLimit": 9}, None),
        ({"parallelism": 1}, {}, None),
        ({"parallelism": 3}, {}, {"parallelism": 1}),
        ({"ttlSecondsAfterFinished": 0}, {}, {"ttlSecondsAfterFinished": None}),
    ],
)
def test_what_is_patched_of_a_job_that_runs(spec: Any, policy: Any, body: Any) -> None:
    patches = jobs.adjust(job({}, **spec), RunPolicy.model_validate(policy))
    assert patches == ((Patch(JOBS, "team", "j", "u", {"spec": body}),) if body else ())


def test_of_a_running_job_somebodys_retries_and_labels_are_put_back() -> None:
    edited = job({}, backoffLimit=99, template={"metadata": {"labels": {"modelyard.dev/model": "a", "team": "b"}}})
    fields = {"f:spec": {"f:backoffLimit": {}}}
    edited["metadata"]["managedFields"] = [{"manager": "kubectl-edit", "fieldsV1": fields}]
    (patch,) = jobs.adjust(edited, RunPolicy.model_validate({"backoffLimit": 2}))
    assert patch.body == {"spec": {"backoffLimit": 2}, "metadata": {"labels": {"modelyard.dev/model": "a"}}}


def test_why_a_job_failed() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too long"}
    assert jobs.failure(job({"conditions": [failed]})) == ("DeadlineExceeded", "too long")
    assert jobs.failure(job()) == ("Failed", "")
