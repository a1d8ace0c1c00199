"""Rollouts on the real nodes, through a real gateway, while clients ask: to the end, and back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.addons import Gateway
from tests.support.kube import condition
from tests.support.namespace import new_namespace
from tests.support.rollout_scene import MODEL, Rollouts, asked

pytestmark = pytest.mark.cluster
ANALYSIS = {
    "every": "5s",
    "minRequests": 20,
    "metrics": [
        {"name": "errors", "metric": "ErrorRate", "max": 0.05},
        {"name": "outputs", "metric": "PredictionShift", "max": 0.2},
    ],
}
STEPS = [{"weight": 10, "pause": "20s"}, {"weight": 50, "pause": "20s"}]
BRIEF = [step | {"pause": "12s"} for step in STEPS]
"""Long enough to count some hundred answers in each; of a canary that goes back the first step must last longer."""


@pytest.fixture(scope="module")
def rollouts(cluster: str, gateway: Gateway) -> Iterator[Rollouts]:
    with new_namespace(cluster) as kube:
        made = Rollouts(kube, gateway)
        made.prepare("equal", "equal", "other", "failing", "slow", "hungry")
        yield made


@pytest.fixture
def first(rollouts: Rollouts) -> Rollouts:
    """Version 1 serves through the gateway, whatever was before."""
    rollouts.kube.run("delete", "modeldeployment", MODEL, "--ignore-not-found", "--wait")
    rollouts.deploy(1)
    rollouts.serving(1)
    with rollouts.asking() as clients:
        # The gateway hears of a route a moment after its status says so.
        rollouts.kube.until("an answer through the gateway", lambda: clients.answers, 60)
    return rollouts


def verdicts(rollouts: Rollouts, *wanted: str) -> list[dict[str, Any]]:
    """The judgements of the step that is on, of those that came to one of these."""
    judged = (rollouts.status.get("rollout") or {}).get("analysis") or ()
    return [item for item in judged if item["verdict"] in wanted]


def share(found: Any, version: int) -> float:
    return float(found[str(version)] / max(1, sum(found.values())))


def test_a_canary_to_the_end(first: Rollouts) -> None:
    """By REST and by gRPC alike."""
    with first.clients() as clients, first.clients(by_grpc=True, rate=30) as calls:
        first.deploy(2, strategy="Canary", steps=BRIEF, analysis=ANALYSIS)
        at_ten = first.until("10 percent", weight=10)
        at_fifty = first.until("50 percent", weight=50)
        at_all = first.until("everything", weight=100)
        done = first.serving(2)
        time.sleep(3)
    one, five = clients.since(at_ten + 2, at_fifty - 2), clients.since(at_fifty + 2, at_all - 2)
    assert share(one, 2) == pytest.approx(0.1, abs=0.02), one
    assert share(five, 2) == pytest.approx(0.5, abs=0.04), five
    called = calls.since(at_fifty + 2, at_all - 2)
    assert share(called, 2) == pytest.approx(0.5, abs=0.04), called
    assert set(clients.since(done)) == set(calls.since(done + 1)) == {"2"}
    names = [child["metadata"]["name"] for child in first.kube.list("deployments")]
    assert names == [f"{MODEL}-v2"]


def test_a_canary_whose_answers_are_others_goes_back(first: Rollouts) -> None:
    with first.clients() as clients:
        first.deploy(3, strategy="Canary", steps=STEPS, analysis=ANALYSIS)
        began = first.until("10 percent", weight=10)
        back = first.until("the rollback", stable=1, candidate=None, weight=None)
        time.sleep(3)
    assert back - began < 20 + 10, "within the first step"
    (rejected,) = first.status["rejected"]
    assert (rejected["version"], rejected["reason"]) == (3, "AnalysisFailed")
    assert "outputs" in rejected["message"]
    assert set(clients.since(back + 2)) == {"1"}
    found = condition(first.kube.get("modeldeployment", MODEL), "Stalled")
    assert found is not None
    assert found["reason"] == "CandidateRejected"
    assert "back to version 1" in first.scene.told("ModelDeployment", MODEL, "RolledBack")


def test_blue_green_and_rolling(first: Rollouts) -> None:
    with first.clients() as clients:
        first.deploy(2, strategy="BlueGreen", steps=[{"weight": 100, "pause": "5s"}])
        first.serving(2)
        first.deploy(1, strategy="Rolling")
        first.serving(1)
        first.until_ended()
    assert set(clients.since(0)) == {"1", "2"}


def test_a_shadow_gets_copies_and_answers_nobody(first: Rollouts) -> None:
    steps = [{"weight": 100, "untilPromoted": True}]
    with first.clients() as clients:
        first.deploy(3, strategy="Shadow", steps=steps, analysis=ANALYSIS | {"metrics": ANALYSIS["metrics"][:1]})
        first.until("the mirror", step="1/2", weight=0)
        (judged,) = first.kube.until("a verdict on its copies", lambda: verdicts(first, "Passed", "Failed"), 30)
        assert judged["verdict"] == "Passed", judged
        assert set(clients.since(0)) == {"1"}
        first.deploy(3, strategy="Shadow", steps=steps, promote=3)
        first.serving(3)
        time.sleep(3)
    assert set(clients.since(time.monotonic() - 2)) <= {"3"}


@pytest.mark.parametrize("identified", [False, True], ids=["id-of-the-gateway", "id-of-the-client"])
def test_a_shadow_is_compared_answer_by_answer(first: Rollouts, identified: bool) -> None:
    """Where clients send no id, the gateway's x-request-id names a request and its copy alike."""
    metrics = [{"name": "same", "metric": "Disagreement", "max": 0.01}]
    shadow = {"strategy": "Shadow", "steps": [{"weight": 100, "pause": "15s"}]}
    shadow["analysis"] = ANALYSIS | {"metrics": metrics}

    def compared() -> list[dict[str, Any]]:
        judged = (first.status.get("rollout") or {}).get("analysis") or ()
        return [item for item in judged if "differently" in item["message"]]

    with first.clients(identified=identified) as clients:
        first.deploy(2, **shadow)
        first.until("the mirror", step="1/2", weight=0)
        (said,) = first.kube.until("a verdict", compared, 30)
        assert said["verdict"] == "Passed", said
        assert said["message"].startswith("0 % of "), said
        done = first.serving(2)
        first.deploy(3, **shadow)
        began = first.until("the mirror of version 3", candidate=3, step="1/2", weight=0)
        back = first.until("the rejection", stable=2, candidate=None)
    assert back - began < 15 + 10, "within the step"
    (rejected,) = first.status["rejected"]
    assert (rejected["version"], rejected["reason"]) == (3, "AnalysisFailed")
    assert "same: 100 % of " in rejected["message"]
    assert set(clients.since(done + 2)) == {"2"}, "nobody got version 3's answers"


def test_an_ab_test_by_header_and_by_a_hash_of_a_header(first: Rollouts) -> None:
    test = {"headers": {"x-group": "beta"}, "stickyBy": "x-user"}
    steps = [{"weight": 50, "untilPromoted": True}]
    with first.clients() as plain, first.clients(headers={"x-group": "beta"}, rate=20) as beta:
        first.deploy(2, strategy="ABTest", abTest=test, steps=steps)
        began = first.until("the test", weight=50) + 3
        first.kube.until("their answers", lambda: sum(beta.since(began).values()) > 60, 30)
        assert set(beta.since(began)) == {"2"}
        chosen = []
        for user in range(24):
            with first.asking(headers={"x-user": str(user)}, rate=40, connections=2) as clients:
                time.sleep(0.5)
            assert not clients.failures
            (version,) = clients.since(0)
            chosen.append(version)
        assert 4 <= chosen.count("2") <= 20, chosen
        # Taken out in the middle, and put on again: nobody's request fails by it.
        first.deploy(2, strategy="Canary", steps=steps)
        first.kube.until("answers of both", lambda: set(beta.since(time.monotonic() - 2)) == {"1", "2"}, 15)
        first.deploy(2, strategy="ABTest", abTest=test, steps=steps)
        first.kube.until("version 2 alone", lambda: set(beta.since(time.monotonic() - 1)) == {"2"}, 15)
        first.deploy(1, strategy="ABTest", abTest=test, steps=steps)
        first.serving(1)
        time.sleep(2)
    assert set(plain.since(0)) == {"1", "2"}


@pytest.mark.parametrize(
    ("version", "b", "metric", "says"),
    [
        (4, 9.0, {"name": "errors", "metric": "ErrorRate", "max": 0.05}, "errors"),
        (5, 1.0, {"name": "speed", "metric": "LatencyP50", "maxRatioToStable": 2}, "speed"),
    ],
    ids=["errors", "latency"],
)
def test_a_canary_judged_bad_goes_back(
    first: Rollouts, version: int, b: float, metric: dict[str, Any], says: str
) -> None:
    with first.asking(asked(b)) as clients:
        first.deploy(version, strategy="Canary", steps=STEPS, analysis=ANALYSIS | {"metrics": [metric]})
        began = first.until("10 percent", weight=10)
        back = first.until("the rollback", stable=1, candidate=None, weight=None)
        time.sleep(3)
    assert back - began < 30, "within the first step"
    (rejected,) = first.status["rejected"]
    assert rejected["reason"] == "AnalysisFailed"
    assert says in rejected["message"]
    # Nothing failed but what the candidate itself answered with an error.
    assert all(re.search(r"\(.500 ", failure) for failure in clients.failures), clients.failures[:5]
    assert bool(clients.failures) == (says == "errors")
    assert set(clients.since(back + 2)) == {"1"}


def test_a_candidate_that_crashes_goes_back(first: Rollouts) -> None:
    with first.clients(asked(2000.0)) as clients:
        first.deploy(6, strategy="Canary", steps=STEPS, analysis=ANALYSIS | {"metrics": []})
        began = first.until("10 percent", weight=10)
        back = first.until("the rollback", stable=1, candidate=None, weight=None)
        time.sleep(3)
    assert back - began < 30
    (rejected,) = first.status["rejected"]
    assert rejected["reason"] == "Crashed", rejected
    assert "OOMKilled" in rejected["message"]
    assert set(clients.since(back + 2)) == {"1"}
