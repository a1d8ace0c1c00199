"""Checks the analysis's goals over random traffic: an equal candidate stays, a worse one fails in the first step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from modelyard_api.kinds.rollout import AnalysisMetric
from tests.harness.bench.rollout_analysis import AT_LIMIT, EQUAL, USUAL, canary, rolled_back
from tests.support.rollouts import Step
from tests.support.traffic import Version


@pytest.mark.parametrize("rate", [10.0, 100.0])
@pytest.mark.parametrize(("candidate", "metrics"), [EQUAL, AT_LIMIT], ids=["equal", "at-every-limit"])
def test_a_candidate_within_its_limits_is_not_rolled_back(
    candidate: Version, metrics: tuple[AnalysisMetric, ...], rate: float
) -> None:
    """Each limit is exactly the candidate's true value."""
    share = rolled_back(metrics, candidate, canary(rate), 300, np.random.default_rng(5))
    print(f"\n{rate:g} requests/s, steps of 10 and 50 percent for 60 s: {100 * share:.2f} % rolled back falsely")
    assert share < 0.01


@dataclass(frozen=True)
class Worse:
    """A candidate that 95 of 100 first steps reject at this traffic (``tests.harness.bench rollout-analysis``)."""

    name: str
    version: Version
    step: Step


@pytest.mark.parametrize(
    "worse",
    [
        Worse("labels 0.3 apart", Version(labels=(0.2, 0.3, 0.5)), Step(10, 65.0)),
        Worse("five times the errors", Version(errors=0.05), Step(10, 110.0)),
        Worse("twice the errors", Version(errors=0.02), Step(50, 200.0)),
        Worse("twice as slow", Version(median=0.008), Step(10, 150.0)),
    ],
    ids=lambda worse: worse.name.replace(" ", "-"),
)
def test_a_worse_candidate_is_rolled_back_in_the_first_step(worse: Worse) -> None:
    share = rolled_back(USUAL, worse.version, (worse.step,), 100, np.random.default_rng(6))
    requests = worse.step.rate * worse.step.seconds * worse.step.weight / 100
    print(f"\n{worse.name}: {100 * share:.0f} % rolled back within 60 s, {requests:.0f} requests of the candidate")
    assert share >= 0.95
