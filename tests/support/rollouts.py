"""Simulates rollouts of random traffic, judged as the operator does it."""

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
    """The candidate gets ``weight`` percent of ``rate`` requests per second, and is judged each ``every`` seconds."""

    weight: int
    rate: float = 50.0
    seconds: int = 60
    every: int = 10


@dataclass
class Outcome:
    """``rolled_back`` is the step, counted from 0, at which the candidate was rolled back; None means that it was
    promoted. ``failed`` maps a metric to its number of failed judgements."""

    rolled_back: int | None
    failed: Counter[str]


def rollout(
    metrics: Sequence[AnalysisMetric],
    candidate: Version,
    stable: Version,
    steps: Sequence[Step],
    random: np.random.Generator,
) -> Outcome:
    """Simulates one rollout. The number of requests is Poisson distributed, and each goes to the candidate with the
    probability of the step's weight."""
    failures, failed = 0, Counter[str]()
    for index, step in enumerate(steps):
        candidate_server, stable_server = Server(candidate, random), Server(stable, random)
        for _ in range(step.seconds // step.every):
            requests = int(random.poisson(step.rate * step.every))
            share = int(random.binomial(requests, step.weight / 100))
            candidate_server.answer(share)
            stable_server.answer(requests - share)
            judgements = judge(metrics, MIN_REQUESTS, candidate_server.sketches(), stable_server.sketches())
            failed_metrics = [item.name for item in judgements if item.verdict == "Failed"]
            failed.update(failed_metrics)
            failures += bool(failed_metrics)
            if failures >= FAILURE_LIMIT:
                return Outcome(index, failed)
    return Outcome(None, failed)
