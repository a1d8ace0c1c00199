"""Defines the states of a run, which ``follow`` derives from a Job, its pods and their result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from modelyard.engine.plan import Write
from modelyard.workload.conclude import Trouble
from modelyard_api.fields.base import Model

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no Job: it was not created yet, or somebody deleted it."""


@dataclass(frozen=True, slots=True)
class Held:
    """The policy suspends the run. ``writes`` stop a Job that still runs."""

    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Starting:
    """No pod runs. ``trouble`` is the reason, if it is known. ``stalled`` means that a person has to act."""

    attempts: int
    trouble: Trouble | None = None
    stalled: bool = False
    writes: tuple[Write, ...] = ()
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A pod runs, or the last one has just ended. ``trouble`` is why it is being stopped, and the run will fail.

    ``hindrance`` is why some of its pods don't run, while the others do.
    """

    attempts: int
    trouble: Trouble | None = None
    writes: tuple[Write, ...] = ()
    after: datetime | None = None
    hindrance: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The Job is given up, and a later pass creates another one. ``attempts`` is the number that count so far."""

    attempts: int
    trouble: Trouble
    writes: tuple[Write, ...] = ()
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended(Generic[R]):
    """The run succeeded with this result."""

    attempts: int
    result: R


@dataclass(frozen=True, slots=True)
class Broken:
    """The run failed for good. ``by_program`` means that our program reported it and would again for this input."""

    attempts: int
    trouble: Trouble
    by_program: bool = False


Unfinished = Starting | Running | Lost
State = Absent | Held | Unfinished | Ended[R] | Broken
