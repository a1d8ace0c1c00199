"""Checks what is told of the pods of an Indexed Job, of which the first has what the others need."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Facts, Fetch, Missing
from modelyard.engine.resource import NODES
from modelyard.workload.run import jobs
from modelyard.workload.run.conditions import progressing
from modelyard.workload.run.follow import follow
from modelyard.workload.run.progress import PodProgress, inspect
from modelyard.workload.run.states import Running, Starting
from tests.unit.workload.run.test_follow import run
from tests.unit.workload.run.test_progress import (
    DOWN,
    EVENTS,
    NODE,
    NOW,
    PODS,
    QUOTA,
    UP,
    going,
    inspected,
    job,
    killed,
    pod,
    refusal,
)

TOTAL = 3


def several(**status: Any) -> dict[str, Any]:
    obj = job(**status)
    obj["spec"] |= {"completions": TOTAL, "parallelism": TOTAL}
    return obj


def numbered(index: int, pod: dict[str, Any]) -> dict[str, Any]:
    annotations = {"batch.kubernetes.io/job-completion-index": str(index)}
    return {**pod, "metadata": {**pod["metadata"], "annotations": annotations}}


def pods(*kinds: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [numbered(index, kind) for index, kind in enumerate(kinds) if kind is not None]


def pending(**status: Any) -> dict[str, Any]:
    obj = pod("False", "False", "Pending")
    obj["status"] |= status
    return obj


READY = pod()
OVER = pod("False", "False", "Succeeded")
NO_NODE = pending(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}])
NO_IMAGE = pending(containerStatuses=[{"name": "main", "image": "i", "state": {"waiting": {"reason": "ErrImagePull"}}}])


@pytest.mark.parametrize("status", [{"ready": 3}, {"ready": 1, "succeeded": 2}, {"succeeded": 3}, {"failed": 3}])
def test_pods_that_all_run_or_have_ended_are_not_read(status: Any) -> None:
    assert inspect(several(**status), Facts(), NOW) == PodProgress(runs=True)


@pytest.mark.parametrize(
    ("kinds", "reason", "says"),
    [
        ([READY, NO_NODE, READY], "Unschedulable", "1 of its 3 pods does not run, the others do: no node can take"),
        ([READY, NO_NODE, NO_NODE], "Unschedulable", "2 of its 3 pods do not run, the others do: no node can take"),
        ([READY, READY, NO_IMAGE], "ImagePullFailed", "1 of its 3 pods does not run"),
        ([READY, killed(), READY], "OOMKilled", "it is tried again by itself, attempts left: 2"),
        ([READY, READY, None], "QuotaExceeded", "does not run, the others do: pods can't be created: exceeded quota"),
        ([READY, going(20), READY], "Disrupted", "a drain does; another one follows"),
        ([OVER, NO_NODE, READY], "Unschedulable", "1 of its 3 pods does not run"),
    ],
)
def test_others_that_do_not_run_are_told_while_the_first_one_does(kinds: Any, reason: str, says: str) -> None:
    running = sum(kind in (READY, OVER) for kind in kinds)
    events = [refusal(QUOTA.format(3))] if None in kinds else []
    progress = inspected(several(ready=running), *pods(*kinds), events=events)
    assert progress.trouble is not None
    assert (progress.runs, progress.stalled, progress.lost, progress.trouble.reason) == (True, False, False, reason)
    assert says in progress.trouble.message
    assert progress.after is not None
    conditions = progressing(Running(1, hindrance=progress.trouble), "j", "Searching", "searching on a")
    assert (conditions[0].reason, conditions[0].warning) == (reason, True)
    assert conditions[0].message.endswith("; searching on a")


@pytest.mark.parametrize(
    ("kinds", "node", "reason", "stalled", "lost"),
    [
        ([NO_NODE, READY, READY], UP, "Unschedulable", True, False),
        ([NO_IMAGE, NO_IMAGE, NO_IMAGE], UP, "ImagePullFailed", True, False),
        ([killed(), READY, READY], UP, "OOMKilled", False, False),
        ([None, READY, READY], UP, "QuotaExceeded", False, False),
        ([None, None, None], UP, "QuotaExceeded", False, False),
        ([going(110, "DeletionByTaintManager"), READY, READY], DOWN, "NodeLost", False, True),
    ],
)
def test_without_the_first_one_none_does_its_work(
    kinds: Any, node: Any, reason: str, stalled: bool, lost: bool
) -> None:
    running = sum(kind is READY for kind in kinds)
    events = [refusal(QUOTA.format(3))] if None in kinds else []
    progress = inspected(several(ready=running), *pods(*kinds), node=node, events=events)
    assert progress.trouble is not None
    assert (progress.runs, progress.stalled, progress.lost) == (False, stalled, lost)
    assert progress.trouble.reason == reason
    assert progress.trouble.message.startswith("the first of its 3 pods, which the others need, does not run: ")


def test_a_replaced_pod_is_told_by_the_newest_of_its_number() -> None:
    older = [numbered(1, killed()), *pods(READY, READY, READY)]
    assert inspected(several(ready=2, failed=1), *older) == PodProgress(runs=True, after=jobs.look_again(job(), NOW))


def test_pods_that_start_are_no_trouble_and_an_old_refusal_is_no_news() -> None:
    created = pending()
    created["metadata"]["creationTimestamp"] = NOW.isoformat()
    progress = inspected(several(ready=1), *pods(READY, created, None), events=[refusal(QUOTA.format(3), 30)])
    assert (progress.runs, progress.trouble) == (True, None)


def test_an_early_end_of_others_does_not_hide_that_the_first_one_is_missing() -> None:
    obj = several(ready=0, succeeded=2, failed=1)
    facts = Facts({PODS: pods(NO_NODE, OVER, OVER), EVENTS: [], NODE: UP})
    state = follow(run(), obj, facts, NOW)
    assert isinstance(state, Starting)
    assert (state.stalled, state.trouble and state.trouble.reason) == (True, "Unschedulable")


def test_what_is_to_be_known_of_all_pods_is_asked_at_once() -> None:
    """The engine reads no more than eight times for one pass."""
    gone = [going(20), going(20), going(20)]
    for number, pod_ in enumerate(gone):
        pod_["spec"]["nodeName"] = f"n-{number}"
    with pytest.raises(Missing) as missing:
        inspect(several(terminating=3), Facts({PODS: pods(*gone)}), NOW)
    assert missing.value.needs == tuple(Fetch(NODES, "", f"n-{number}") for number in range(3))
