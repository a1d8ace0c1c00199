"""Checks canaries on real nodes behind a real gateway, under load: those that complete and those that roll back."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.support.kube import condition
from tests.support.rollout_scene import ANALYSIS, MODEL, Rollouts, asked

pytestmark = pytest.mark.cluster
STEPS = [{"weight": 10, "pause": "20s"}, {"weight": 50, "pause": "20s"}]
BRIEF = [step | {"pause": "12s"} for step in STEPS]
"""Pauses of 12 s suffice to count some hundred answers per step; a canary that rolls back needs a longer first step."""


def share(answers: Any, version: int) -> float:
    return float(answers[str(version)] / max(1, sum(answers.values())))


def test_a_canary_to_the_end(first: Rollouts) -> None:
    """REST and gRPC requests are split alike."""
    with first.clients() as clients, first.clients(by_grpc=True, rate=30) as calls:
        first.deploy(2, strategy="Canary", steps=BRIEF, analysis=ANALYSIS)
        at_ten = first.until("10 percent", weight=10)
        at_fifty = first.until("50 percent", weight=50)
        at_all = first.until("everything", weight=100)
        done = first.serving(2)
        time.sleep(3)
    first_step, second_step = clients.since(at_ten + 2, at_fifty - 2), clients.since(at_fifty + 2, at_all - 2)
    assert share(first_step, 2) == pytest.approx(0.1, abs=0.02), first_step
    assert share(second_step, 2) == pytest.approx(0.5, abs=0.04), second_step
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
    stalled = condition(first.kube.get("modeldeployment", MODEL), "Stalled")
    assert stalled is not None
    assert stalled["reason"] == "CandidateRejected"
    assert "back to version 1" in first.scene.event_note("ModelDeployment", MODEL, "RolledBack")


@pytest.mark.parametrize(
    ("version", "b", "metric", "says", "code"),
    [
        (4, 9.0, {"name": "errors", "metric": "ErrorRate", "max": 0.05}, "errors", 500),
        (7, 1.0, {"name": "errors", "metric": "ErrorRate", "max": 0.05}, "were refused (4xx)", 400),
        (5, 1.0, {"name": "speed", "metric": "LatencyP50", "maxRatioToStable": 2}, "speed", None),
    ],
    ids=["errors", "refusals", "latency"],
)
def test_a_canary_judged_bad_goes_back(
    first: Rollouts, version: int, b: float, metric: dict[str, Any], says: str, code: int | None
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
    # The only failed requests are those that the candidate itself answered with an error.
    assert all(re.search(rf"\(.{code} ", failure) for failure in clients.failures), clients.failures[:5]
    assert bool(clients.failures) == (code is not None)
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
