"""Rollouts of drawn traffic, judged as the operator does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelyard.judgement import judge
from modelyard_api.kinds.rollout import AnalysisMetric
from tests.support.traffic import Server, Version

FAILURE_LIMIT, MIN_REQUESTS = 2, 50


@dataclass(frozen=True)
class Step:
    """The candidate gets ``weight`` percent of ``rate`` requests a second, and is judged each ``every`` seconds."""

    weight: int
    rate: float = 50.0
    seconds: int = 60
    every: int = 10


@dataclass
class Outcome:
    """``rolled_back`` at that step (from 0), None: promoted. ``failed``: metric -> judgements that failed."""

    rolled_back: int | None
    failed: Counter[str]


def rollout(
    metrics: Sequence[AnalysisMetric],
    candidate: Version,
    stable: Version,
    steps: Sequence[Step],
    random: np.random.Generator,
) -> Outcome:
    """Requests come at random times (Poisson), each goes to the candidate with the step's weight."""
    failures, failed = 0, Counter[str]()
    for index, step in enumerate(steps):
        one, other = Server(candidate, random), Server(stable, random)
        for _ in range(step.seconds // step.every):
            requests = int(random.poisson(step.rate * step.every))
            mine = int(random.binomial(requests, step.weight / 100))
            one.answer(mine)
            other.answer(requests - mine)
            found = judge(metrics, MIN_REQUESTS, one.sketches(), other.sketches())
            here = [item.name for item in found if item.verdict == "Failed"]
            failed.update(here)
            failures += bool(here)
            if failures >= FAILURE_LIMIT:
                return Outcome(index, failed)
    return Outcome(None, failed)
