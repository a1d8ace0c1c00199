"""Turns the steps of a rollout's strategy into the stages that a candidate passes through. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from modelyard.workload.durations import duration
from modelyard_api.kinds.rollout import Rollout

SETTLE = timedelta(seconds=5)
"""How long the stable version's pods stay after the last request was sent to them."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The candidate gets ``weight`` percent of the traffic, or copies of that share if ``mirror`` is True.

    ``pause`` None means that the stage lasts until the candidate is promoted. ``judged`` says whether the analysis must
    pass before the next stage.
    """

    weight: int
    pause: timedelta | None
    mirror: bool = False
    judged: bool = True


def stages_of(rollout: Rollout) -> tuple[Stage, ...]:
    """Returns the stages, and none for Rolling, whose pods are replaced one by one.

    In the last stage the candidate always gets all of the traffic. Such a stage is not judged, because the stable
    version gets no requests to compare with.
    """
    if rollout.strategy == "Rolling":
        return ()
    stages = []
    for step in rollout.effective_steps:
        pause = None if step.until_promoted else duration(step.pause or "0s")
        mirror = rollout.strategy == "Shadow"
        stages.append(Stage(step.weight, pause, mirror, judged=mirror or 0 < step.weight < 100))
    if not stages or stages[-1].mirror or stages[-1].weight < 100:
        stages.append(Stage(100, SETTLE, judged=False))
    return tuple(stages)


def stage_at(stages: tuple[Stage, ...], step: int) -> Stage:
    """Returns the stage of this step, or the last: an edit may have left fewer stages than the rollout has passed."""
    return stages[min(step, len(stages) - 1)]


def pods_for(stage: Stage, rollout: Rollout, replicas: int) -> int:
    """Returns how many of the candidate's pods must be ready before it gets the stage's traffic."""
    if rollout.strategy == "BlueGreen":
        return replicas
    return min(replicas, max(1, ceil(replicas * stage.weight / 100)))
