"""Checks what every decision ends in: a status with generation and conditions, and Events for new reasons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.engine.plan import Facts, Fetch, Missing, Note, Plan, Unavailable
from modelyard.engine.resource import NODES
from modelyard.workload.conclude import Step, Waits, conclude, read
from modelyard_api.kinds.dataset import DatasetStatus

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
NEED = Fetch(NODES, "", "n-1")


def raw(plan: Plan | None = None, generation: int = 3) -> dict[str, Any]:
    return {"metadata": {"generation": generation}} | ({"status": plan.status} if plan else {})


def reasons(plan: Plan) -> list[tuple[str, str]]:
    return [(note.type, note.reason) for note in plan.notes]


def test_a_status_speaks_of_the_generation_that_was_decided_on() -> None:
    plan = conclude(raw(), Step(DatasetStatus(versions=2), kstatus.ready("Fine", "all is well"), after=NOW), NOW)
    assert plan.status is not None
    assert (plan.status["observedGeneration"], plan.status["versions"], plan.after) == (3, 2, NOW)
    (condition,) = plan.status["conditions"]
    assert (condition["type"], condition["observedGeneration"]) == ("Ready", 3)
    assert condition["lastTransitionTime"] == timestamp(NOW)


def test_an_event_tells_of_each_new_reason_once() -> None:
    first = conclude(raw(), Step(DatasetStatus(), kstatus.reconciling("Checking", "it is read")), NOW)
    assert reasons(first) == [("Normal", "Checking")], "Ready and Reconciling share their reason"
    repeated = conclude(raw(first), Step(DatasetStatus(), kstatus.reconciling("Checking", "it is still read")), NOW)
    assert reasons(repeated) == []
    stuck = conclude(raw(repeated), Step(DatasetStatus(), kstatus.stalled("EmptyTable", "no rows")), NOW)
    assert reasons(stuck) == [("Warning", "EmptyTable")]
    retried = Step(DatasetStatus(), kstatus.reconciling("OOMKilled", "it is tried again", warning=True))
    assert reasons(conclude(raw(stuck), retried, NOW)) == [("Warning", "OOMKilled")]


def test_conditions_of_their_own_reason_are_told_of_too() -> None:
    conditions = (*kstatus.ready("Accepted", "yes"), Condition("Approved", False, "GateFailed", "no", warning=True))
    plan = conclude(raw(), Step(DatasetStatus(), conditions), NOW)
    assert reasons(plan) == [("Normal", "Accepted"), ("Warning", "GateFailed")]


def test_a_note_takes_the_place_of_the_event_of_its_reason() -> None:
    note = Note("Accepted", "with all that there is to say")
    plan = conclude(raw(), Step(DatasetStatus(), kstatus.ready("Accepted", "yes"), notes=(note,)), NOW)
    assert plan.notes == (note,)


def test_what_can_not_be_read_is_waited_for() -> None:
    with pytest.raises(Missing):
        read(Facts(), NEED, "NodeUnknown", NOW)
    assert read(Facts({NEED: None}), NEED, "NodeUnknown", NOW) is None
    with pytest.raises(Waits) as waits:
        read(Facts({NEED: Unavailable("503")}), NEED, "NodeUnknown", NOW)
    step = waits.value.step(DatasetStatus())
    assert (step.conditions, step.after) == (kstatus.reconciling("NodeUnknown", "503"), NOW)


def test_facts_are_asked_for_together() -> None:
    other = Fetch(NODES, "", "n-2")
    with pytest.raises(Missing) as missing:
        Facts({NEED: 1}).all(NEED, other)
    assert missing.value.needs == (other,)
    assert Facts({NEED: 1, other: None}).all(other, NEED) == [None, 1]
