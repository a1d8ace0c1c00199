"""Checks rollouts that serve two versions side by side, on real nodes behind a real gateway: blue-green, shadows and
A/B tests."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.rollout_scene import ANALYSIS, Rollouts

pytestmark = pytest.mark.cluster


def verdicts(rollouts: Rollouts, *accepted: str) -> list[dict[str, Any]]:
    """Returns the current step's analysis results whose verdict is one of ``accepted``."""
    results = (rollouts.status.get("rollout") or {}).get("analysis") or ()
    return [item for item in results if item["verdict"] in accepted]


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
        (result,) = first.kube.until("a verdict on its copies", lambda: verdicts(first, "Passed", "Failed"), 30)
        assert result["verdict"] == "Passed", result
        assert set(clients.since(0)) == {"1"}
        first.deploy(3, strategy="Shadow", steps=steps, promote=3)
        first.serving(3)
        time.sleep(3)
    assert set(clients.since(time.monotonic() - 2)) <= {"3"}


@pytest.mark.parametrize("identified", [False, True], ids=["id-of-the-gateway", "id-of-the-client"])
def test_a_shadow_is_compared_answer_by_answer(first: Rollouts, identified: bool) -> None:
    """If clients send no id, the gateway's x-request-id matches a request with its mirrored copy."""
    metrics = [{"name": "same", "metric": "Disagreement", "max": 0.01}]
    shadow = {"strategy": "Shadow", "steps": [{"weight": 100, "pause": "15s"}]}
    shadow["analysis"] = ANALYSIS | {"metrics": metrics}

    def compared() -> list[dict[str, Any]]:
        results = (first.status.get("rollout") or {}).get("analysis") or ()
        return [item for item in results if "differently" in item["message"]]

    with first.clients(identified=identified) as clients:
        first.deploy(2, **shadow)
        first.until("the mirror", step="1/2", weight=0)
        (result,) = first.kube.until("a verdict", compared, 30)
        assert result["verdict"] == "Passed", result
        assert result["message"].startswith("0 % of "), result
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
        # The A/B test is replaced by a canary midway and then restored: neither change fails a request.
        first.deploy(2, strategy="Canary", steps=steps)
        first.kube.until("answers of both", lambda: set(beta.since(time.monotonic() - 2)) == {"1", "2"}, 15)
        first.deploy(2, strategy="ABTest", abTest=test, steps=steps)
        first.kube.until("version 2 alone", lambda: set(beta.since(time.monotonic() - 1)) == {"2"}, 15)
        first.deploy(1, strategy="ABTest", abTest=test, steps=steps)
        first.serving(1)
        time.sleep(2)
    assert set(plain.since(0)) == {"1", "2"}
