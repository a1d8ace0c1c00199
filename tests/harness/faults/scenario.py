"""Defines a scenario, and the first parts that several of them share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.harness.faults import objects as o
from tests.harness.faults.stage import Stage

Part = Callable[[Stage], Awaitable[None]]


MAIN_JOB = ("Dataset", "DatasetVersion", "TrainingRun", "Model", "ModelVersion", "ModelDeployment")
"""The kinds on the way from data to a served model."""


@dataclass(frozen=True)
class Scenario:
    """``before`` is played undisturbed; faults happen in ``story``, which concerns the kinds in ``about``."""

    name: str
    before: Part
    story: Part
    about: tuple[str, ...] = MAIN_JOB


async def nothing(stage: Stage) -> None:
    pass


async def ready_to_train(stage: Stage) -> None:
    await stage.put_data(o.FIRST)
    await stage.apply(o.dataset(), o.model())
    await stage.reach("the Dataset is Ready", lambda: stage.holds("Dataset", o.DATASET))


async def main_job(stage: Stage) -> None:
    """Goes from data to a served model, with all objects applied at once."""
    await stage.put_data(o.FIRST)
    await stage.apply(o.dataset(), o.model(), o.run(), o.deployment())
    await stage.reach("version 1 is served", lambda: stage.serves(1))


async def two_versions(stage: Stage) -> None:
    await main_job(stage)
    await stage.apply(o.run(o.SECOND))
    await stage.reach("version 2 is served", lambda: stage.serves(2))
