"""Checks every state of a run, which follows from its Job, the Job's pods and the result they left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Delete, EventsOf, Facts, Fetch, Missing, PodsOf, Result, Unavailable
from modelyard.engine.resource import JOBS, NODES
from modelyard.workload.conclude import Waits
from modelyard.workload.run import ttl
from modelyard.workload.run.adopt import task_of
from modelyard.workload.run.conditions import progressing
from modelyard.workload.run.failures import Fields
from modelyard.workload.run.follow import earlier, follow
from modelyard.workload.run.run import Run
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Lost, Running, Starting
from modelyard_api.fields.pods import RunPolicy
from modelyard_api.wire.result import EvaluateResult
from modelyard_api.wire.task import ANNOTATION, EvaluateTask

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
URI = "mlflow-artifacts:/modelyard/team/uid/result.json"
EVENTS = EventsOf("team", "u", "FailedCreate")
PODS, RESULT, NODE = PodsOf("team", "j", "u"), Result(URI), Fetch(NODES, "", "n-1")
GOOD = {
    "kind": "Evaluate",
    "artifactDigest": "sha256:" + "a" * 64,
    "artifactBytes": 9,
    "signature": {"inputs": [], "outputs": []},
    "metrics": {"accuracy": 0.9},
}
FAILED = {"kind": "Failed", "error": {"reason": "EmptyTable", "message": "no rows"}}
OWN = Fields(own_image="spec.trainer.container.image")
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1}
BROKEN = {
    "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit"}],
    "failed": 4,
}
TERMINATING = {"terminating": 1, "failed": 1}


def run(attempts: int = 0, fields: Fields = Fields(), **policy: Any) -> Run[EvaluateResult]:  # noqa: B008
    return Run(EvaluateResult, URI, RunPolicy(**policy), attempts, fields, try_again="delete Job j to try again")


def job(suspend: bool = False, **status: Any) -> dict[str, Any]:
    meta = {"namespace": "team", "name": "j", "uid": "u", "creationTimestamp": timestamp(NOW)}
    started = {"startTime": timestamp(NOW - timedelta(minutes=1))}
    return {"metadata": meta, "spec": {"backoffLimit": 3, "suspend": suspend}, "status": started | status}


def pod(container: str = "main", **state: Any) -> dict[str, Any]:
    status = {"phase": "Failed", "containerStatuses": [{"name": container, "image": "i", "state": state}]}
    return {"metadata": {"name": "p"}, "spec": {"nodeName": "n-1"}, "status": status}


def lost_pod() -> dict[str, Any]:
    """Returns a pod that was deleted on a node that doesn't answer."""
    meta = {"name": "p", "deletionTimestamp": timestamp(NOW)}
    return {"metadata": meta, "spec": {"nodeName": "n-1"}, "status": {"phase": "Running"}}


def facts(result: Any = None, *pods: dict[str, Any]) -> Facts:
    unknown = {"type": "Ready", "status": "Unknown", "lastTransitionTime": timestamp(NOW)}
    return Facts({RESULT: result, PODS: list(pods), EVENTS: [], NODE: {"status": {"conditions": [unknown]}}})


def test_without_a_job_it_is_absent_or_held() -> None:
    assert follow(run(), None, Facts(), NOW) == Absent()
    assert follow(run(suspend=True), None, Facts(), NOW) == Held()


def test_a_policy_that_suspends_stops_the_job_and_one_that_does_not_lets_it_go_on() -> None:
    held = follow(run(suspend=True), job(ready=1), Facts(), NOW)
    assert isinstance(held, Held)
    assert [write.body for write in held.writes] == [{"spec": {"suspend": True}}]
    resumed = follow(run(), job(suspend=True), facts(), NOW)
    assert isinstance(resumed, Starting)
    assert [write.body for write in resumed.writes] == [{"spec": {"suspend": False}}]


def test_it_runs_once_a_pod_is_ready() -> None:
    assert follow(run(), job(ready=1, active=1, failed=1), Facts(), NOW) == Running(2)
    assert follow(run(attempts=4), job(ready=1, active=1), Facts(), NOW) == Running(4), "of Jobs before this one"


@pytest.mark.parametrize("by", ["Kubernetes", "the clock"])
def test_a_missed_deadline_is_told_while_the_pod_is_being_stopped(by: str) -> None:
    """Kubernetes calls the Job failed only after its pod's grace period, but has decided long before."""
    target = {"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"}
    limited = job(ready=1, active=1, conditions=[target] if by == "Kubernetes" else [])
    limited["spec"]["activeDeadlineSeconds"] = 60 if by == "the clock" else 3600
    policy = run(active_deadline_seconds=limited["spec"]["activeDeadlineSeconds"])
    state = follow(policy, limited, Facts(), NOW)
    assert isinstance(state, Running)
    conditions = progressing(state, "j", "Working", "it works")
    assert [(item.type, item.reason, item.warning) for item in conditions] == [
        ("Ready", "DeadlineExceeded", True),
        ("Reconciling", "DeadlineExceeded", True),
    ]
    assert "its pod is being stopped, which may take 30 s; then the run has failed" in conditions[0].message


def test_a_deadline_is_waited_for_and_another_failure_is_no_deadline() -> None:
    policy, target = run(active_deadline_seconds=61), {"type": "FailureTarget", "status": "True", "reason": "Failed"}
    limited = job(ready=1, active=1)
    limited["spec"]["activeDeadlineSeconds"] = 61
    assert follow(policy, limited, Facts(), NOW) == Running(1, after=NOW + timedelta(seconds=1))
    limited["status"]["conditions"] = [target]
    later = follow(policy, limited, Facts(), NOW + timedelta(seconds=5))
    assert isinstance(later, Running)
    assert later.trouble is None


def test_a_deadline_that_is_raised_is_not_missed() -> None:
    limited = job(ready=1, active=1)
    limited["spec"]["activeDeadlineSeconds"] = 10
    state = follow(run(active_deadline_seconds=600), limited, Facts(), NOW)
    assert isinstance(state, Running)
    assert (state.trouble, len(state.writes)) == (None, 1)


def test_what_holds_a_pod_up_is_told_and_whether_a_person_must_act() -> None:
    pulling = pod(waiting={"reason": "ImagePullBackOff"}) | {"status": {"phase": "Pending", "containerStatuses": [
        {"name": "main", "image": "i", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}}  # fmt: skip
    state = follow(run(), job(), facts(None, pulling), NOW)
    assert isinstance(state, Starting)
    assert state.stalled
    assert state.trouble is not None
    assert state.trouble.reason == "ImagePullFailed"
    conditions = progressing(state, "j", "Working", "it works")
    assert [(item.type, item.reason) for item in conditions] == [
        ("Ready", "ImagePullFailed"),
        ("Stalled", "ImagePullFailed"),
    ]
    assert progressing(Starting(0), "j", "Working", "it works")[0].reason == "PodPending"
    assert progressing(Running(1), "j", "Working", "it works")[0].reason == "Working"


def test_attempts_are_in_status_before_a_lost_job_goes() -> None:
    first = follow(run(), job(**TERMINATING), facts(None, lost_pod()), NOW)
    assert isinstance(first, Lost)
    assert (first.attempts, first.trouble.reason, first.writes) == (1, "NodeLost", ())
    second = follow(run(attempts=1), job(**TERMINATING), facts(None, lost_pod()), NOW)
    assert isinstance(second, Lost)
    assert second.writes == (Delete.of(JOBS, job()),)


def test_a_complete_job_has_a_result_or_is_broken() -> None:
    state = follow(run(), job(**COMPLETE), facts(GOOD), NOW)
    assert isinstance(state, Ended)
    assert (state.attempts, state.result.metrics) == (1, {"accuracy": 0.9})
    broken = follow(run(), job(**COMPLETE), facts(FAILED), NOW)
    assert isinstance(broken, Broken)
    assert (broken.trouble.reason, broken.by_program) == ("EmptyTable", True)
    missing = follow(run(), job(**COMPLETE), facts(None), NOW)
    assert isinstance(missing, Broken)
    assert (missing.trouble.reason, missing.by_program) == ("ResultMissing", False)
    assert "delete Job j to try again" in missing.trouble.message
    other = follow(run(), job(**COMPLETE), facts(GOOD | {"kind": "Ingest"}), NOW)
    assert isinstance(other, Broken), "another program's result is none, and says so"


def test_a_failed_job_that_left_its_result_has_ended_well_but_not_a_container_of_the_user_s() -> None:
    assert isinstance(follow(run(), job(**BROKEN), facts(GOOD), NOW), Ended)
    oom = pod(terminated={"exitCode": 137, "reason": "OOMKilled"})
    own = follow(run(fields=OWN), job(**BROKEN), facts(GOOD, oom), NOW)
    assert isinstance(own, Broken)
    assert (own.attempts, own.trouble.reason) == (4, "OOMKilled")


def refused() -> dict[str, Any]:
    """Returns a pod that its node, which was short of disk, would not start."""
    status = {"phase": "Failed", "reason": "Evicted", "message": "Pod was rejected: The node had condition: [X]. "}
    return {"metadata": {"name": "r"}, "spec": {"nodeName": "n-1"}, "status": status}


CRASHED = pod(terminated={"exitCode": 1})


@pytest.mark.parametrize(
    ("limit", "reason", "pods", "attempts"),
    [
        (0, "BackoffLimitExceeded", [refused()], 0),
        (1, "BackoffLimitExceeded", [refused(), refused()], 0),
        (1, "BackoffLimitExceeded", [refused(), CRASHED], 1),
        (1, "BackoffLimitExceeded", [CRASHED, refused()], 1),
        (0, "BackoffLimitExceeded", [CRASHED], None),
        (1, "BackoffLimitExceeded", [CRASHED, CRASHED], None),
        (3, "PodFailurePolicy", [refused(), CRASHED], None),
        (3, "DeadlineExceeded", [refused()], None),
    ],
)
def test_pods_that_a_node_refused_use_up_no_attempt(limit: int, reason: str, pods: Any, attempts: int | None) -> None:
    """Kubernetes counts them, so another Job follows the failed one, after a while: its pod may be refused too."""
    ended = {"type": "Failed", "status": "True", "reason": reason, "lastTransitionTime": timestamp(NOW)}
    failed = job(conditions=[ended], failed=len(pods))
    state = follow(run(backoff_limit=limit), failed, facts(None, *pods), NOW)
    if attempts is None:
        assert isinstance(state, Broken)
        return
    assert isinstance(state, Starting)
    assert (state.attempts, state.after) == (attempts, NOW + timedelta(seconds=10))
    assert state.trouble is not None
    assert f"attempts left: {1 + limit - attempts}" in state.trouble.message
    later = follow(run(attempts, backoff_limit=limit), failed, facts(None, *pods), NOW + timedelta(seconds=10))
    assert isinstance(later, Lost)
    assert (later.attempts, later.writes) == (attempts, (Delete.of(JOBS, job()),))


@pytest.mark.parametrize(("status", "lasts"), [(COMPLETE, True), (BROKEN, False)])
def test_the_result_of_a_failed_job_is_not_kept_because_the_next_one_may_write_another(
    status: dict[str, Any], lasts: bool
) -> None:
    with pytest.raises(Missing) as missing:
        follow(run(), job(**status), Facts(), NOW)
    assert [need.lasts for need in missing.value.needs if isinstance(need, Result)] == [lasts]


def test_a_pod_that_a_node_refused_leaves_the_job_its_attempts() -> None:
    going_on = job(active=0, failed=1)
    state = follow(run(), going_on, facts(None, refused()), NOW)
    assert isinstance(state, Starting)
    assert state.trouble is not None
    assert "attempts left: 4" in state.trouble.message


def test_a_container_whose_output_was_not_kept_runs_again_while_attempts_are_left() -> None:
    helper = pod("collect", terminated={"exitCode": 75, "message": "no space"})
    lost = follow(run(fields=OWN, backoff_limit=1), job(**COMPLETE), facts(None, helper), NOW)
    assert isinstance(lost, Lost)
    assert "attempts left: 1" in lost.trouble.message
    assert isinstance(follow(run(2, OWN, backoff_limit=1), job(**COMPLETE), facts(None, helper), NOW), Broken)


@pytest.mark.parametrize(("down", "reason"), [(RESULT, "ArtifactStoreUnavailable"), (PODS, "PodsUnavailable")])
def test_no_verdict_without_the_evidence(down: Any, reason: str) -> None:
    known = {RESULT: None, PODS: [], down: Unavailable("503")}
    with pytest.raises(Waits) as waits:
        follow(run(), job(**BROKEN), Facts(known), NOW)
    assert (waits.value.reason, waits.value.after) == (reason, NOW + timedelta(seconds=10))
    with pytest.raises(Missing):
        follow(run(), job(**BROKEN), Facts(), NOW)


def test_what_was_done_before_is_not_done_again() -> None:
    result = earlier(run(), facts(GOOD), NOW)
    assert result is not None
    assert result.metrics == {"accuracy": 0.9}
    assert earlier(run(), facts(FAILED), NOW) is None
    assert earlier(run(fields=OWN), Facts(), NOW) is None, "half of a container's output may lie there"


def test_a_job_goes_after_its_time_to_live() -> None:
    ended = timestamp(NOW)
    assert ttl.expired(job(), ended, None, NOW) == ((), None)
    assert ttl.expired(None, ended, 5, NOW) == ((), None)
    assert ttl.expired(job(), ended, 5, NOW) == ((), NOW + timedelta(seconds=5))
    assert ttl.expired(job(), ended, 5, NOW + timedelta(seconds=5)) == ((Delete.of(JOBS, job()),), None)


def test_a_job_says_what_it_was_made_from() -> None:
    assert task_of({"spec": {"template": {"metadata": {}}}}, EvaluateTask) is None
    data = {"name": "d", "uri": "u", "digest": "x", "target": "y", "columns": []}
    document = EvaluateTask.model_validate({
        "subject": {"namespace": "team", "name": "a", "uid": "1"}, "trackingURL": "http://t", "baseURI": "b",
        "resultURI": URI, "data": data, "artifactURI": "a", "artifactDigest": "d", "task": "Regression",
    })  # fmt: skip
    for other in ("{", "{}", '{"kind": "Ingest"}'):
        assert task_of({"spec": {"template": {"metadata": {"annotations": {ANNOTATION: other}}}}}, EvaluateTask) is None
    annotations = {ANNOTATION: document.model_dump_json(by_alias=True)}
    assert task_of({"spec": {"template": {"metadata": {"annotations": annotations}}}}, EvaluateTask) == document
