"""The states of a run: what ``follow`` makes of a Job, its pods and what they left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from modelyard.engine.plan import Write
from modelyard.workload.failures import Trouble
from modelyard_api.fields.base import Model

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no Job: not made yet, or deleted by somebody."""


@dataclass(frozen=True, slots=True)
class Held:
    """The policy suspends it, so nothing runs; ``writes`` stop a Job that does."""

    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Starting:
    """No pod runs. ``trouble`` is what holds it up, where that is known; ``stalled``: a person has to act."""

    attempts: int
    trouble: Trouble | None = None
    stalled: bool = False
    writes: tuple[Write, ...] = ()
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A pod runs, or the last one has just ended."""

    attempts: int
    writes: tuple[Write, ...] = ()
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The Job is given up, and is made anew in a later pass; ``attempts``: those that count until now."""

    attempts: int
    trouble: Trouble
    writes: tuple[Write, ...] = ()
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended(Generic[R]):
    """It has ended well, and this is its result."""

    attempts: int
    result: R


@dataclass(frozen=True, slots=True)
class Broken:
    """It has failed for good. ``by_program``: our program itself said so, and would say the same of the same input."""

    attempts: int
    trouble: Trouble
    by_program: bool = False


Unfinished = Starting | Running | Lost
State = Absent | Held | Unfinished | Ended[R] | Broken
