"""Checks what is reported about an active Job without a running pod, and when its pod is given up as lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import EventsOf, Facts, Fetch, Missing, PodsOf, Unavailable
from modelyard.engine.resource import NODES
from modelyard.workload.run.progress import PodProgress, inspect

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
PODS, NODE = PodsOf("team", "j", "u"), Fetch(NODES, "", "n-2")
EVENTS = EventsOf("team", "u", "FailedCreate")
UP = {"status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "t"}]}}
DOWN = {"status": {"conditions": [{"type": "Ready", "status": "Unknown", "lastTransitionTime": "11:59"}]}}
UNWELL = {"status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "11:59"}]}}


def job(**status: Any) -> dict[str, Any]:
    started = {"startTime": timestamp(NOW - timedelta(minutes=1))}
    meta = {"namespace": "team", "name": "j", "uid": "u"}
    return {"metadata": meta, "spec": {"backoffLimit": 2}, "status": started | status}


def pod(ready: str = "True", containers: str = "True", phase: str = "Running", **meta: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}, {"type": "ContainersReady", "status": containers}]
    status = {"phase": phase, "conditions": conditions}
    return {"metadata": {"name": "p", **meta}, "spec": {"nodeName": "n-2"}, "status": status}


def going(seconds: float, reason: str = "EvictionByEvictionAPI") -> dict[str, Any]:
    """Returns a deleted pod whose grace period ends in ``seconds``."""
    deleted = pod(deletionTimestamp=timestamp(NOW + timedelta(seconds=seconds)))
    deleted["status"]["conditions"].append({"type": "DisruptionTarget", "status": "True", "reason": reason})
    return deleted


def killed(code: int = 137, message: str = "", reason: str = "OOMKilled") -> dict[str, Any]:
    end = {"exitCode": code, "reason": reason, "message": message}
    failed = pod("False", "False", "Failed")
    failed["status"]["containerStatuses"] = [{"name": "main", "state": {"terminated": end}}]
    return failed


def inspected(obj: dict[str, Any], *pods: dict[str, Any], node: Any = UP, events: Any = ()) -> PodProgress:
    return inspect(obj, Facts({PODS: list(pods), NODE: node, EVENTS: list(events)}), NOW)


@pytest.mark.parametrize("status", [{"active": 1, "ready": 1}, {"succeeded": 1}, {"failed": 3}])
def test_a_job_that_runs_or_ends_is_left_alone(status: Any) -> None:
    assert inspect(job(**status), Facts(), NOW) == PodProgress(runs=True)


def test_it_asks_for_pods_and_for_the_node_of_one_that_is_taken_away() -> None:
    with pytest.raises(Missing) as missing:
        inspect(job(terminating=1), Facts(), NOW)
    assert missing.value.needs == (PODS,)
    with pytest.raises(Missing) as missing:
        inspect(job(terminating=1), Facts({PODS: [going(20)]}), NOW)
    assert missing.value.needs == (NODE,)
    assert not inspect(job(active=1), Facts({PODS: [pod("False", "False", "Pending")]}), NOW).runs


@pytest.mark.parametrize(
    ("pods", "node", "reason", "lost", "says"),
    [
        # A drained pod ends within its grace period.
        ([going(20)], UP, "Disrupted", False, "evicted from its node, as a drain does; another one follows"),
        # A pod is lost at once, whatever its grace period, if its kubelet will never report its end.
        ([going(110, "DeletionByTaintManager")], DOWN, "NodeLost", True, "node 'n-2' does not answer since 11:59"),
        ([going(110, "DeletionByTaintManager")], None, "NodeLost", True, "node 'n-2' is gone"),
        ([going(-20)], UP, "Disrupted", False, "another one follows"),
        ([going(-31)], UP, "PodStuck", True, "pod p on node 'n-2' was to end, and does not"),
        # If the operator may not read nodes, the grace period decides.
        ([going(20)], Unavailable("403"), "Disrupted", False, "another one follows"),
        ([going(-31)], Unavailable("403"), "PodStuck", True, "does not"),
        # A kubelet that reports NotReady itself (status False) still ends its pods.
        ([going(20)], UNWELL, "Disrupted", False, "another one follows"),
        # The node is down, but Kubernetes has not deleted the pod yet.
        ([pod("False")], DOWN, "NodeNotReady", False, "5 min by default"),
        # Only the newest pod is reported, whatever happened to an older one.
        ([killed(), killed(1, "boom", "Error")], UP, "PodFailed", False, "exit code 1"),
        ([killed(), pod("False", "False", "Pending")], UP, "OOMKilled", False, "attempts left: 2"),
    ],
)
def test_what_is_told(pods: Any, node: Any, reason: str, lost: bool, says: str) -> None:
    progress = inspected(job(failed=1, terminating=1), *pods, node=node)
    assert progress.trouble is not None
    assert (progress.trouble.reason, progress.lost, progress.stalled, progress.runs) == (reason, lost, False, False)
    assert says in progress.trouble.message
    assert progress.after is not None


def test_the_last_end_is_the_job_s_to_tell() -> None:
    """No trouble is reported before the Job has counted the end, nor while a helper collects a container's output."""
    assert inspected(job(active=1), killed(), killed(), killed()).runs
    collected = killed(3, reason="Error")
    collected["status"]["phase"] = "Running"
    assert inspected(job(active=1), collected).runs
    collected["status"] |= {"phase": "Succeeded", "containerStatuses": []}
    collected["status"]["initContainerStatuses"] = [{"name": "collect", "state": {"terminated": {"exitCode": 75}}}]
    assert inspected(job(active=0), collected).runs
    rule = {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [2]}}
    policed = job(active=1)
    policed["spec"]["podFailurePolicy"] = {"rules": [rule]}
    assert inspected(policed, killed(2)).runs
    assert not inspected(policed, killed(3)).runs


@pytest.mark.parametrize("pods", [[], [pod("False", "False", "Pending")], [pod("False")]])
def test_a_pod_that_takes_its_time_is_no_trouble(pods: Any) -> None:
    progress = inspected(job(active=1), *pods)
    assert progress.trouble is None
    assert not progress.runs


def test_a_stuck_pod_is_looked_at_again_in_time() -> None:
    progress = inspected(job(terminating=1, startTime=timestamp(NOW - timedelta(days=1))), going(20))
    assert progress.after == NOW + timedelta(seconds=50)


def test_pods_that_cannot_be_read_are_looked_at_again() -> None:
    progress = inspect(job(terminating=1), Facts({PODS: Unavailable("503")}), NOW)
    assert isinstance(progress, PodProgress)
    assert (progress.trouble, progress.lost, progress.runs) == (None, False, False)


QUOTA = "exceeded quota: q, requested: pods=1, used: pods=3, limited: pods={}"


def refusal(words: str, seconds: float = 5) -> dict[str, Any]:
    """Returns the Event of a Job's controller, which still writes the older API."""
    at = timestamp(NOW - timedelta(seconds=seconds))
    note = f'Error creating: pods "j-{int(seconds)}x9b" is forbidden: {words}'
    return {"metadata": {"creationTimestamp": at}, "note": note, "deprecatedLastTimestamp": at}


@pytest.mark.parametrize(
    ("words", "reason", "stalled", "says"),
    [
        (QUOTA.format(3), "QuotaExceeded", False, "wait until other pods have ended"),
        (QUOTA.format(0), "QuotaExceeded", True, "ask for less in spec.podTemplate.resources, have the quota raised"),
        ("failed quota: q: must specify limits.cpu for: main", "QuotaExceeded", True, "for: main; write them in spec."),
        ("maximum memory usage per Container is 1Gi, but limit is 2Gi", "ChildForbidden", True, "but limit is 2Gi"),
        ("no PriorityClass with name e3 was found", "ChildForbidden", True, "correct podTemplate, or what it needs"),
    ],
)
def test_a_pod_that_is_not_created_is_told_by_the_job_s_event(
    words: str, reason: str, stalled: bool, says: str
) -> None:
    progress = inspected(job(active=0), events=[refusal("older", 90), refusal(words)])
    assert progress.trouble is not None
    assert (progress.trouble.reason, progress.stalled, progress.runs) == (reason, stalled, False)
    assert progress.trouble.message.startswith(f"pods can't be created: {words}")
    assert says in progress.trouble.message
    assert progress == inspected(job(active=0), events=[refusal(words, 1)]), "each attempt has another pod's name"


def test_an_event_from_before_a_pod_was_created_is_no_news() -> None:
    started = killed()
    started["metadata"]["creationTimestamp"] = timestamp(NOW - timedelta(seconds=30))
    told = inspected(job(failed=1), started, events=[refusal(QUOTA.format(0), 40)]).trouble
    assert told is not None
    assert told.reason == "OOMKilled"
    told = inspected(job(failed=1), started, events=[refusal(QUOTA.format(0), 20)]).trouble
    assert told is not None
    assert told.reason == "QuotaExceeded"
    alive = pod("False", "False", "Pending")
    assert inspected(job(active=1), alive, events=[refusal(QUOTA.format(0))]).trouble is None


def test_events_that_cannot_be_read_hide_nothing_else() -> None:
    facts = Facts({PODS: [killed()], EVENTS: Unavailable("403")})
    told = inspect(job(failed=1), facts, NOW).trouble
    assert told is not None
    assert told.reason == "OOMKilled"
