"""A Job's life as a controller reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Patch
from modelyard.engine.resource import JOBS
from modelyard.workload import jobs
from modelyard.workload.jobs import JobPhase
from modelyard_api.pods import RunPolicy

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
    ("status", "attempts", "between"),
    [
        (None, 0, False),
        ({"active": 1}, 1, False),
        ({"active": 1, "failed": 2}, 3, False),
        ({"failed": 1}, 1, True),
        ({"succeeded": 1}, 1, True),
        ({"active": 0, "uncountedTerminatedPods": {"failed": ["u"]}}, 0, True),
        ({"active": 1, "uncountedTerminatedPods": {}}, 1, False),
    ],
)
def test_attempts_and_the_time_between_pods(status: Any, attempts: int, between: bool) -> None:
    assert jobs.attempts(job(status)) == attempts
    assert jobs.is_between_pods(job(status)) is between


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        ({"active": 1, "ready": 1, "startTime": timestamp(NOW)}, None),
        ({"failed": 1, "startTime": timestamp(NOW)}, None),
        ({"active": 1, "ready": 0, "startTime": timestamp(NOW)}, 20),
        ({"active": 1, "startTime": timestamp(NOW - timedelta(minutes=1))}, -40),
        ({}, 20),
    ],
)
def test_when_the_pods_are_looked_at(status: Any, seconds: int | None) -> None:
    wanted = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert jobs.look_at_pods(job(status), NOW) == wanted


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
    ],
)
def test_what_is_patched_of_a_job_that_runs(spec: Any, policy: Any, body: Any) -> None:
    found = jobs.adjust(job({}, **spec), RunPolicy.model_validate(policy))
    assert found == ((Patch(JOBS, "team", "j", "u", {"spec": body}),) if body else ())


def test_why_a_job_failed() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too long"}
    assert jobs.failure(job({"conditions": [failed]})) == ("DeadlineExceeded", "too long")
    assert jobs.failure(job()) == ("Failed", "")
