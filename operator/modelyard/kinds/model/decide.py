"""Decides what a Model needs next: registers trained runs, then chooses which version is champion."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.engine.plan import Facts, Note, Plan
from modelyard.kinds.model import memory
from modelyard.kinds.model.observe import View
from modelyard.kinds.model.promotion import Choice, aliases, choose, evidence
from modelyard.kinds.model.register import register
from modelyard.kinds.model.waiting import WAITING, present
from modelyard.workload.conclude import Step, Waits, conclude
from modelyard.workload.signatures import changed
from modelyard_api.kinds.model import ModelStatus, Promotion

KEPT_PROMOTIONS = 20


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = view.model.status.model_copy(deep=True)
    registration = register(view, facts, now, status)
    status.versions = len(view.versions)
    choice, waits = _chosen(view, facts, now, status)
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
    elif status.champion is None and choice.champion:
        notes.append(_restored(choice.champion))
    status.champion = choice.champion
    status.aliases = aliases(choice.champion, view.versions)
    available = choice.problem or present(view.model, view.versions, choice.champion or 0)
    notes += _told_anew(view, available)
    times = [time for time in (registration.after, waits.after if waits else None) if time is not None]
    after = min(times, default=None)
    step = Step(status, (*_ready(waits or registration.waits), available), registration.writes, after, tuple(notes))
    return conclude(view.raw, step, now)


def _chosen(view: View, facts: Facts, now: datetime, status: ModelStatus) -> tuple[Choice, Waits | None]:
    """Returns the champion. A change by gates waits until the artifact store knows it, so that no restored Model takes
    back a worse version; a pin is in the spec, and doesn't wait. Raises Missing."""
    current = status.champion
    choice = choose(view.model, view.versions, current)
    try:
        if current is None and view.versions and view.model.spec.pin is None:
            current = memory.last_champion(view, facts, now)
    except Waits as waits:
        return choose(view.model, view.versions, None, may_change=False), waits
    if choice.champion is None or choice.champion != current:
        # What is equal was remembered by a pass that died before it could tell of the promotion.
        choice = choose(view.model, view.versions, current)
    if choice.by is None or choice.champion is None:
        return choice, None
    try:
        memory.record_promotion(view, choice.champion, facts, now)
    except Waits as waits:
        if choice.by == "Gates":
            return choose(view.model, view.versions, current, may_change=False), waits
    return choice, None


def _ready(waits: Waits | None) -> tuple[Condition, ...]:
    if waits is None:
        return kstatus.ready("Accepted", "the spec is understood")
    message = f"versions are registered and promoted once the artifact store answers: {waits.message}"
    return kstatus.reconciling(waits.reason, message, warning=True)


def _promoted(view: View, promotion: Promotion) -> Note:
    """Returns the Event of a promotion: a Warning if clients of the alias must send or expect something else now."""
    message = f"version {promotion.version} is champion, by {promotion.by}; before: {promotion.previous or 'none'}"
    versions = {version.spec.number: version for version in view.versions}
    old, new = versions.get(promotion.previous or 0), versions[promotion.version]
    change = changed(old, new) if old else None
    if change is None:
        return Note("Promoted", message)
    return Note("Promoted", f"{message}. Clients of the alias have to follow: {change}", "Warning")


def _restored(champion: int) -> Note:
    message = f"version {champion} is champion: this Model's status knew none, and it was promoted last under its name"
    return Note("ChampionRestored", message)


def _told_anew(view: View, available: Condition) -> tuple[Note, ...]:
    """Returns an Event for each further version that is not promoted by itself, for which the reason stays the same."""
    previous = kstatus.find(view.raw, available.type)
    if available.reason not in WAITING or (previous and previous["message"] == available.message):
        return ()
    return (Note(available.reason, available.message, "Warning" if available.warning else "Normal"),)
