"""The way of a candidate through its strategy: the stages that its steps mean. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from modelyard.workload.durations import duration
from modelyard_api.kinds.rollout import Rollout

SETTLE = timedelta(seconds=5)
"""How long the stable version's pods stay after the last request was sent their way."""


@dataclass(frozen=True, slots=True)
class Stage:
    """``weight`` percent of the traffic go to the candidate, or copies of as much where ``mirror``.

    ``pause`` None: until promoted. ``judged``: whether it must be found good before the next stage.
    """

    weight: int
    pause: timedelta | None
    mirror: bool = False
    judged: bool = True


def stages_of(rollout: Rollout) -> tuple[Stage, ...]:
    """None for Rolling, whose pods are replaced one by one. The last one always has all of the traffic.

    With all of the traffic at the candidate nothing is left to compare it with, so nothing is waited for.
    """
    if rollout.strategy == "Rolling":
        return ()
    made = []
    for step in rollout.effective_steps:
        pause = None if step.until_promoted else duration(step.pause or "0s")
        mirror = rollout.strategy == "Shadow"
        made.append(Stage(step.weight, pause, mirror, judged=mirror or 0 < step.weight < 100))
    if not made or made[-1].mirror or made[-1].weight < 100:
        made.append(Stage(100, SETTLE, judged=False))
    return tuple(made)


def stage_at(stages: tuple[Stage, ...], step: int) -> Stage:
    """An edit may have left fewer than a rollout has gone."""
    return stages[min(step, len(stages) - 1)]


def pods_for(stage: Stage, rollout: Rollout, replicas: int) -> int:
    """How many of the candidate's pods must be ready before the stage's traffic comes."""
    if rollout.strategy == "BlueGreen":
        return replicas
    return min(replicas, max(1, ceil(replicas * stage.weight / 100)))
