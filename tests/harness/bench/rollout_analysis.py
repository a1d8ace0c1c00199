"""Rollouts of random traffic through the analysis: how often it rolls back an equal candidate, and detects a worse one.

Only the statistics run, on real sketches and histograms as model servers fill them: the analysis judges every ten
seconds, and rolls back at the second failed judgement. A candidate that must stay has every limit at exactly its own
true value, and goes through steps of 10 and 50 percent for 60 s each; a worse candidate goes through one step of 60 s,
with the usual limits.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from modelyard_api.kinds.rollout import AnalysisMetric
from tests.support.report import Progress, show
from tests.support.rollouts import Step, rollout
from tests.support.traffic import Version

STABLE = Version()


def _named(*documents: dict[str, Any]) -> tuple[AnalysisMetric, ...]:
    return tuple(AnalysisMetric.model_validate({"name": f"m{index}", **item}) for index, item in enumerate(documents))


EQUAL = (
    STABLE,
    _named(
        {"metric": "ErrorRate", "max": 0.01},
        {"metric": "ErrorRate", "maxRatioToStable": 1},
        {"metric": "LatencyP50", "max": 0.004},
        {"metric": "LatencyP95", "maxRatioToStable": 1},
        {"metric": "LatencyP99", "maxRatioToStable": 1},
        {"metric": "PredictionShift", "max": 0.0},
    ),
)
"""A candidate equal to the stable version, with the smallest limits that it keeps."""
AT_LIMIT = (
    Version(errors=0.02, median=0.006, labels=(0.3, 0.3, 0.4)),
    _named(
        {"metric": "ErrorRate", "max": 0.02},
        {"metric": "ErrorRate", "maxRatioToStable": 2},
        {"metric": "LatencyP50", "max": 0.006},
        {"metric": "LatencyP95", "maxRatioToStable": 1.5},
        {"metric": "LatencyP99", "maxRatioToStable": 1.5},
        {"metric": "PredictionShift", "max": 0.2},
    ),
)
"""A candidate that is exactly as much worse as its limits allow."""
STEPS = ((10, 60), (50, 60))
"""The steps' weights in percent and lengths in seconds."""
USUAL = _named(
    {"metric": "ErrorRate", "max": 0.01},
    {"metric": "LatencyP99", "maxRatioToStable": 1.2},
    {"metric": "PredictionShift", "max": 0.1},
)
WORSE = {
    "errors x2": Version(errors=0.02),
    "errors x3": Version(errors=0.03),
    "errors x5": Version(errors=0.05),
    "p99 x1.5": Version(median=0.006),
    "p99 x2": Version(median=0.008),
    "p99 x3": Version(median=0.012),
    "labels +0.2": Version(labels=(0.3, 0.3, 0.4)),
    "labels +0.3": Version(labels=(0.2, 0.3, 0.5)),
    "labels +0.4": Version(labels=(0.1, 0.3, 0.6)),
    "score +0.45": Version(mean=0.75),
}
"""What is worse -> the version. For labels and score the number is the distributions' distance: 0.1 is allowed."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trials", type=int, default=200, help="rollouts a cell [%(default)s]")
    parser.add_argument("--equal-trials", type=int, default=2000, help="rollouts of one that must stay [%(default)s]")
    parser.add_argument("--rates", default="10,50,250,1000", help="requests a second, of both versions [%(default)s]")
    parser.add_argument("--weights", default="10,50", help="the candidate's percent of them [%(default)s]")
    parser.add_argument("--seed", type=int, default=7, help="of the random numbers [%(default)s]")


def canary(rate: float) -> tuple[Step, ...]:
    return tuple(Step(weight, rate, seconds) for weight, seconds in STEPS)


def rolled_back(
    metrics: tuple[AnalysisMetric, ...],
    candidate: Version,
    steps: tuple[Step, ...],
    trials: int,
    random: np.random.Generator,
    progress: Progress | None = None,
) -> float:
    """Returns the share of the rollouts that are rolled back."""
    count = 0
    for _ in range(trials):
        count += rollout(metrics, candidate, STABLE, steps, random).rolled_back is not None
        if progress is not None:
            progress.step()
    return count / trials


def run(options: argparse.Namespace) -> dict[str, Any]:
    random = np.random.default_rng(options.seed)
    rates = [float(item) for item in options.rates.split(",")]
    weights = [int(item) for item in options.weights.split(",")]
    cells = len(rates) * (2 * options.equal_trials + len(weights) * len(WORSE) * options.trials)
    progress = Progress("rollouts", cells)
    stays: dict[str, dict[str, float]] = {"equal": {}, "at every limit": {}}
    power: dict[str, dict[str, float]] = {}
    for rate in rates:
        for name, (candidate, metrics) in (("equal", EQUAL), ("at every limit", AT_LIMIT)):
            share = rolled_back(metrics, candidate, canary(rate), options.equal_trials, random, progress)
            stays[name][f"{rate:g}/s"] = _percent(share)
        for weight in weights:
            requests = rate * 60 * weight / 100
            row = power[f"{rate:g}/s, {weight} %: {requests:g} requests"] = {}
            for name, version in WORSE.items():
                share = rolled_back(USUAL, version, (Step(weight, rate),), options.trials, random, progress)
                row[name] = _percent(share)
    progress.end()
    figures = {"false_rollback_percent": stays, "found_percent": power}
    show(figures)
    return {"benchmark": "rollout-analysis", "trials": options.trials, "equal_trials": options.equal_trials, **figures}


def _percent(share: float) -> float:
    return round(100 * share, 2)
