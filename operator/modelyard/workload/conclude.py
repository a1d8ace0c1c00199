"""Ends every decision: each branch returns a Step, and ``conclude`` turns it into the plan of the pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from modelyard.engine.conditions import Condition, conditions, reconciling, stalled
from modelyard.engine.plan import Facts, Need, Note, Plan, Unavailable, Write
from modelyard.engine.resource import Object
from modelyard_api.fields.status import Status

RETRY = timedelta(seconds=10)
"""Interval at which a failed read is retried, if no watch would report the change."""


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one branch of a decision.

    ``status`` is the new status of the kind, and ``conditions`` follow from it, Ready first. ``notes`` are Events in
    addition to those that report a condition's new reason.
    """

    status: Status
    conditions: tuple[Condition, ...]
    writes: tuple[Write, ...] = ()
    after: datetime | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A reason and a message for people, as in a condition."""

    reason: str
    message: str


class Waits(Exception):
    """The decision waits for something that may still come. ``after`` is set if no watch will report it, and
    ``warning`` if it comes only when a person acts."""

    def __init__(self, reason: str, message: str, after: datetime | None = None, warning: bool = False) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason, self.message, self.after, self.warning = reason, message, after, warning

    def step(self, status: Status, writes: tuple[Write, ...] = ()) -> Step:
        """Returns the Step that reports this and leaves the status unchanged."""
        return Step(status, reconciling(self.reason, self.message, self.warning), writes, self.after)


class Fails(Exception):
    """The decision can't continue until a person changes something. Each kind decides what follows for its object.

    ``after`` is set if the obstacle may vanish without a watch reporting it.
    """

    def __init__(self, trouble: Trouble, after: datetime | None = None) -> None:
        super().__init__(f"{trouble.reason}: {trouble.message}")
        self.trouble, self.after = trouble, after

    def step(self, status: Status) -> Step:
        """Returns the Step that reports this and keeps the status: the object continues once it is corrected."""
        return Step(status, stalled(self.trouble.reason, self.trouble.message), after=self.after)


def read(facts: Facts, need: Need, reason: str, again: datetime) -> Any:
    """Returns the fact of a need. Raises Waits with ``reason``, to retry at ``again``, if it can't be read now."""
    fact = facts[need]
    if isinstance(fact, Unavailable):
        raise Waits(reason, fact.message, again)
    return fact


def conclude(raw: Object, step: Step, now: datetime) -> Plan:
    """Returns the plan of a pass: the status with its generation and conditions, and an Event for each new reason.

    ``raw`` is the object as ``decide`` saw it.
    """
    generation = int(raw["metadata"].get("generation", 0))
    previous = (raw.get("status") or {}).get("conditions") or ()
    wire = step.status.model_copy(update={"observed_generation": generation}).wire()
    wire["conditions"] = conditions(step.conditions, previous, generation, now)
    notes = (*step.notes, *_news(step, previous))
    return Plan(status=wire, writes=step.writes, notes=notes, after=step.after)


def _news(step: Step, previous: Iterable[dict[str, Any]]) -> Iterable[Note]:
    """Yields an Event for each new reason of a condition, once per reason, and none if a note has that reason."""
    before = {item["type"]: item["reason"] for item in previous}
    reported = {note.reason for note in step.notes}
    for condition in step.conditions:
        if before.get(condition.type) != condition.reason and condition.reason not in reported:
            reported.add(condition.reason)
            yield Note(condition.reason, condition.message, "Warning" if condition.warning else "Normal")
