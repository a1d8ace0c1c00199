"""What a Model needs next: register what runs have made, then say which version is champion."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, conditions, timestamp
from modelyard.engine.plan import Create, Facts, Fetch, Note, Plan, Result, Unavailable
from modelyard.engine.resource import DATASET_VERSIONS, MODEL_VERSIONS
from modelyard.kinds.model import children
from modelyard.kinds.model.observe import View
from modelyard.kinds.model.promotion import aliases, choose, evidence
from modelyard.workload.names import RUN_UID
from modelyard_api import result as results
from modelyard_api.model import ModelStatus, Promotion, Registering

RESULT: TypeAdapter[results.Result] = TypeAdapter(results.Result)
RETRY = timedelta(seconds=10)
KEPT_PROMOTIONS = 20


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    status = view.model.status.model_copy(deep=True)
    plan = _register(view, facts, now, status)
    if plan.needs:
        return plan
    status.versions = len(view.versions)
    status.last_number = max(status.last_number, *(v.spec.number for v in view.versions), 0)
    choice = choose(view.model, view.versions)
    notes = list(plan.notes)
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
        notes.append(
            Note("Promoted", f"version {choice.champion} is champion, by {choice.by}; before: {status.champion}")
        )
    status.champion = choice.champion
    status.aliases = aliases(choice.champion, view.versions)
    available = (
        Condition("ChampionAvailable", False, *choice.problem)
        if choice.problem
        else Condition("ChampionAvailable", True, "Promoted", f"version {choice.champion} is champion")
    )
    wanted = (*kstatus.ready("Accepted", "the spec is understood"), available)
    status.observed_generation = view.model.generation
    wire = status.wire()
    previous = (view.raw.get("status") or {}).get("conditions") or ()
    wire["conditions"] = conditions(wanted, previous, view.model.generation, now)
    return replace(plan, status=wire, notes=tuple(notes))


def _register(view: View, facts: Facts, now: datetime, status: ModelStatus) -> Plan:
    """Give the next run a number, write it down, and only then make its version.

    A crash between the two finds the number in status; one after the create finds the run's uid on the version.
    """
    registered = {_run_uid(version.metadata) for version in view.versions}
    waiting = [run for run in view.unregistered if run.uid not in registered]
    if status.registering and status.registering.uid in registered:
        status.registering = None
    if status.registering is None:
        if not waiting:
            return Plan()
        taken = max(status.last_number, *(v.spec.number for v in view.versions), 0)
        status.last_number = taken + 1
        status.registering = Registering(run=waiting[0].name, uid=waiting[0].uid, number=taken + 1)
        return Plan(after=now + RETRY)
    run = next((run for run in waiting if run.uid == status.registering.uid), None)
    if run is None:
        status.registering = None  # The run is gone; its number stays unused.
        return Plan(after=now)
    if any(version.spec.number == status.registering.number for version in view.versions):
        status.registering = None  # Somebody imported a version of that number: take the next one.
        return Plan(after=now)
    result = Result(run.status.result_uri or "")
    data = Fetch(DATASET_VERSIONS, run.namespace, run.status.dataset_version or "")
    missing = tuple(need for need in (result, data) if need not in facts)
    if missing:
        return Plan(needs=missing)
    if isinstance(facts[result], Unavailable) or isinstance(facts[data], Unavailable):
        return Plan(after=now + RETRY)
    found = RESULT.validate_python(facts[result]) if facts[result] is not None else None
    if not isinstance(found, results.TrainResult):
        message = f"TrainingRun {run.name} is trained, but its result {result.uri} is gone"
        return Plan(after=now + RETRY, notes=(Note("ResultMissing", message, "Warning"),))
    digest = facts[data]["spec"]["digest"] if facts[data] else None
    made = children.model_version(view, run, status.registering.number, found, digest)
    return Plan(writes=(Create(MODEL_VERSIONS, made),))


def _run_uid(metadata: dict[str, object]) -> object:
    labels = metadata.get("labels")
    return labels.get(RUN_UID) if isinstance(labels, dict) else None
