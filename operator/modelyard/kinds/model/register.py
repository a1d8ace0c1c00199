"""Registering: each run that has trained gets the next number, and then its ModelVersion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelyard.engine.plan import Create, Facts, Fetch, Note, Result, Unavailable
from modelyard.engine.resource import DATASET_VERSIONS, MODEL_VERSIONS
from modelyard.kinds.model import children
from modelyard.kinds.model.observe import View
from modelyard.workload.conclude import RETRY
from modelyard.workload.names import RUN_UID
from modelyard.workload.run.results import parse
from modelyard_api.kinds.model import ModelStatus, Registering
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.wire.result import TrainResult

LOOKED_AT = 8
"""How many other runs are looked at when the result of one is gone."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What is to be written and told for the next version, and when to look again."""

    writes: tuple[Create, ...] = ()
    notes: tuple[Note, ...] = ()
    after: datetime | None = None


def register(view: View, facts: Facts, now: datetime, status: ModelStatus) -> Registration:
    """Give the next run a number, write it down, and only then make its version. Changes ``status``.

    A crash between the two finds the number in status; one after the create finds the run's uid on the version.
    """
    registered = {_run_uid(version.metadata) for version in view.versions}
    waiting = [run for run in view.unregistered if run.uid not in registered]
    now_on = status.registering
    if now_on is None:
        return _number(view, now, status, waiting)
    run = next((run for run in waiting if run.uid == now_on.uid), None)
    if run is None or any(version.spec.number == now_on.number for version in view.versions):
        # Its version is made; or the run is gone, and its number stays unused; or an import took that number.
        status.registering = None
        return _number(view, now, status, waiting)
    if now_on.number in view.leaving:
        return Registration(after=now + RETRY)
    return _make(view, facts, now, status, run, waiting)


def _number(view: View, now: datetime, status: ModelStatus, waiting: list[TrainingRun]) -> Registration:
    if not waiting:
        return Registration()
    status.last_number = max(status.last_number, *(version.spec.number for version in view.versions), 0) + 1
    status.registering = Registering(run=waiting[0].name, uid=waiting[0].uid, number=status.last_number)
    return Registration(after=now + RETRY)


def _make(
    view: View, facts: Facts, now: datetime, status: ModelStatus, run: TrainingRun, waiting: list[TrainingRun]
) -> Registration:
    assert status.registering is not None
    result = Result(run.status.result_uri or "")
    name = run.status.dataset_version
    data = Fetch(DATASET_VERSIONS, run.namespace, name) if name else None
    document, version = facts.all(result, data) if data else (facts[result], None)
    if isinstance(document, Unavailable) or isinstance(version, Unavailable):
        return Registration(after=now + RETRY)
    found = _trained(view, facts, result)
    if found is None:
        return _instead(view, facts, now, status, run, waiting)
    digest = version["spec"]["digest"] if version else None
    made = children.model_version(view, run, status.registering.number, found, digest)
    return Registration(writes=(Create(MODEL_VERSIONS, made),))


def _trained(view: View, facts: Facts, result: Result) -> TrainResult | None:
    document = facts[result]
    found = parse(document, result.uri) if not isinstance(document, Unavailable) else None
    return found if isinstance(found, TrainResult) and found.task == view.model.spec.task else None


def _instead(
    view: View, facts: Facts, now: datetime, status: ModelStatus, run: TrainingRun, waiting: list[TrainingRun]
) -> Registration:
    """A run whose result is gone doesn't hold up the others: nothing was made with its number, so another gets it."""
    assert status.registering is not None
    others = {other.uid: Result(other.status.result_uri or "") for other in waiting[:LOOKED_AT] if other is not run}
    facts.all(*others.values())
    good = next((other for other in waiting if other.uid in others and _trained(view, facts, others[other.uid])), None)
    if good:
        status.registering = Registering(run=good.name, uid=good.uid, number=status.registering.number)
    message = f"TrainingRun {run.name}: there is no result of a {view.model.spec.task} model at {run.status.result_uri}"
    return Registration(after=now + RETRY, notes=(Note("ResultMissing", message, "Warning"),))


def _run_uid(metadata: dict[str, object]) -> object:
    labels = metadata.get("labels")
    return labels.get(RUN_UID) if isinstance(labels, dict) else None
