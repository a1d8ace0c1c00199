"""Decides what a Model needs next: registers trained runs, then chooses which version is champion."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.engine.plan import Facts, Note, Plan
from modelyard.kinds.model.observe import View
from modelyard.kinds.model.promotion import aliases, choose, evidence
from modelyard.kinds.model.register import register
from modelyard.kinds.model.waiting import WAITING, present
from modelyard.workload.conclude import Step, conclude
from modelyard.workload.signatures import changed
from modelyard_api.kinds.model import Promotion

KEPT_PROMOTIONS = 20


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = view.model.status.model_copy(deep=True)
    registration = register(view, facts, now, status)
    status.versions = len(view.versions)
    status.last_number = max(status.last_number, *(v.spec.number for v in view.versions), 0)
    choice = choose(view.model, view.versions)
    notes = list(registration.notes)
    if choice.by:
        chosen = next(version for version in view.versions if version.spec.number == choice.champion)
        promotion = Promotion(
            version=chosen.spec.number,
            previous=status.champion,
            time=timestamp(now),
            by=choice.by,
            evidence=evidence(chosen),
        )
        status.promotions = [*status.promotions, promotion][-KEPT_PROMOTIONS:]
        notes.append(_promoted(view, promotion))
    status.champion = choice.champion
    status.aliases = aliases(choice.champion, view.versions)
    available = choice.problem or present(view.model, view.versions, choice.champion or 0)
    notes += _told_anew(view, available)
    conditions = (*kstatus.ready("Accepted", "the spec is understood"), available)
    step = Step(status, conditions, registration.writes, registration.after, tuple(notes))
    return conclude(view.raw, step, now)


def _promoted(view: View, promotion: Promotion) -> Note:
    """Returns the Event of a promotion: a Warning if clients of the alias must send or expect something else now."""
    message = f"version {promotion.version} is champion, by {promotion.by}; before: {promotion.previous or 'none'}"
    versions = {version.spec.number: version for version in view.versions}
    old, new = versions.get(promotion.previous or 0), versions[promotion.version]
    change = changed(old, new) if old else None
    if change is None:
        return Note("Promoted", message)
    return Note("Promoted", f"{message}. Clients of the alias have to follow: {change}", "Warning")


def _told_anew(view: View, available: Condition) -> tuple[Note, ...]:
    """Returns an Event for each further version that is not promoted by itself, for which the reason stays the same."""
    previous = kstatus.find(view.raw, available.type)
    if available.reason not in WAITING or (previous and previous["message"] == available.message):
        return ()
    return (Note(available.reason, available.message, "Warning" if available.warning else "Normal"),)
