"""How every decision ends: a branch says its Step, and one place makes the pass's plan of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from modelyard.engine.conditions import Condition, conditions, reconciling, stalled
from modelyard.engine.plan import Facts, Need, Note, Plan, Unavailable, Write
from modelyard.engine.resource import Object
from modelyard.workload.failures import Trouble
from modelyard_api.fields.status import Status

RETRY = timedelta(seconds=10)
"""After this time is asked again what could not be read, and nobody tells of."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one branch of a decision says of its object.

    ``status`` is the kind's own, as it is to be; ``conditions`` are what follows from it, Ready first. ``notes`` are
    Events beside those that tell of a condition's new reason.
    """

    status: Status
    conditions: tuple[Condition, ...]
    writes: tuple[Write, ...] = ()
    after: datetime | None = None
    notes: tuple[Note, ...] = ()


class Waits(Exception):
    """The decision can't go on now and will by itself; ``after`` is for what no watch tells of."""

    def __init__(self, reason: str, message: str, after: datetime | None = None) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason, self.message, self.after = reason, message, after

    def step(self, status: Status, writes: tuple[Write, ...] = ()) -> Step:
        """The Step that says so and leaves the status as it is."""
        return Step(status, reconciling(self.reason, self.message), writes, self.after)


class Fails(Exception):
    """The decision can't go on until a person changes something; a kind says what that makes of its object.
    ``after`` is for what may come back, and no watch tells of."""

    def __init__(self, trouble: Trouble, after: datetime | None = None) -> None:
        super().__init__(f"{trouble.reason}: {trouble.message}")
        self.trouble, self.after = trouble, after

    def step(self, status: Status) -> Step:
        """The Step that says so and leaves the status as it is: of an object that gets on once it is mended."""
        return Step(status, stalled(self.trouble.reason, self.trouble.message), after=self.after)


def read(facts: Facts, need: Need, reason: str, again: datetime) -> Any:
    """The fact of a need. Raises Waits for ``reason`` where it can't be read now, to be tried ``again``."""
    fact = facts[need]
    if isinstance(fact, Unavailable):
        raise Waits(reason, fact.message, again)
    return fact


def conclude(raw: Object, step: Step, now: datetime) -> Plan:
    """The plan of a pass: the status with its generation and conditions, and an Event for each new reason.

    ``raw`` is the object as it was decided on.
    """
    generation = int(raw["metadata"].get("generation", 0))
    previous = (raw.get("status") or {}).get("conditions") or ()
    wire = step.status.model_copy(update={"observed_generation": generation}).wire()
    wire["conditions"] = conditions(step.conditions, previous, generation, now)
    notes = (*step.notes, *_news(step, previous))
    return Plan(status=wire, writes=step.writes, notes=notes, after=step.after)


def _news(step: Step, previous: Iterable[dict[str, Any]]) -> Iterable[Note]:
    """An Event for each condition that has a new reason: one where several share it, none where a note tells of it."""
    before = {item["type"]: item["reason"] for item in previous}
    told = {note.reason for note in step.notes}
    for condition in step.conditions:
        if before.get(condition.type) != condition.reason and condition.reason not in told:
            told.add(condition.reason)
            yield Note(condition.reason, condition.message, "Warning" if condition.warning else "Normal")
