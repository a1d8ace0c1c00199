"""Registers runs: each run that has trained a model gets the next number, and then its ModelVersion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelyard.engine.plan import Create, Facts, Note, Result, Unavailable
from modelyard.engine.resource import MODEL_VERSIONS
from modelyard.kinds.model import children, memory
from modelyard.kinds.model.observe import View
from modelyard.workload.conclude import RETRY, Waits, read
from modelyard.workload.names import RUN_UID
from modelyard.workload.run.results import parse
from modelyard_api.kinds.model import ModelStatus, Registering
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.wire.result import TrainResult

MAX_CANDIDATES = 8
"""How many waiting runs are checked for a usable result when the result of one is gone."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The writes and Events of the next version; ``after`` is the time of the next pass, and ``waits`` what for."""

    writes: tuple[Create, ...] = ()
    notes: tuple[Note, ...] = ()
    after: datetime | None = None
    waits: Waits | None = None


def register(view: View, facts: Facts, now: datetime, status: ModelStatus) -> Registration:
    """Gives the next run a number, records it in ``status``, and creates its version in a later pass.

    No run is registered twice: a crash before the create leaves the number in ``status``, and a crash after it leaves
    the version, whose label holds the run's uid. No number is used twice: the artifact store, which outlives the Model,
    knows it before ``status`` does. While the store can't be asked, nothing is registered. Raises Missing.
    """
    try:
        _remember_imports(view, facts, now, status)
        return _register(view, facts, now, status)
    except Waits as waits:
        return Registration(after=waits.after, waits=waits)


def _remember_imports(view: View, facts: Facts, now: datetime, status: ModelStatus) -> None:
    """Records the greatest number if the status doesn't know it: a person chose it, or the status was lost."""
    newest = view.versions[-1] if view.versions else None
    if newest is not None and newest.spec.number > status.last_number:
        memory.record_number(view, newest.spec.number, str(_run_uid(newest.metadata) or memory.IMPORTED), facts, now)
        status.last_number = newest.spec.number


def _register(view: View, facts: Facts, now: datetime, status: ModelStatus) -> Registration:
    registered = {_run_uid(version.metadata) for version in view.versions}
    waiting = [run for run in view.unregistered if run.uid not in registered]
    current = status.registering
    if current is None:
        return _assign_number(view, facts, now, status, waiting)
    run = next((run for run in waiting if run.uid == current.uid), None)
    if run is None or any(version.spec.number == current.number for version in view.versions):
        # The version exists, or the run is gone and its number stays unused, or an import has taken the number.
        status.registering = None
        return _assign_number(view, facts, now, status, waiting)
    if current.number in view.leaving:
        return Registration(after=now + RETRY)
    return _create_version(view, facts, now, status, run, waiting)


def _assign_number(
    view: View, facts: Facts, now: datetime, status: ModelStatus, waiting: list[TrainingRun]
) -> Registration:
    if not waiting:
        return Registration()
    run = waiting[0]
    number = memory.next_number(view, status.last_number, run.uid, facts, now)
    status.last_number = max(status.last_number, number)
    status.registering = Registering(run=run.name, uid=run.uid, number=number)
    return Registration(after=now + RETRY)


def _create_version(
    view: View, facts: Facts, now: datetime, status: ModelStatus, run: TrainingRun, waiting: list[TrainingRun]
) -> Registration:
    assert status.registering is not None
    result = Result(run.status.result_uri or "")
    read(facts, result, memory.UNAVAILABLE, now + RETRY)
    trained = _train_result(view, facts, result)
    if trained is None:
        return _pass_number_on(view, facts, now, status, run, waiting)
    model_version = children.model_version(view, run, status.registering.number, trained)
    return Registration(writes=(Create(MODEL_VERSIONS, model_version),))


def _train_result(view: View, facts: Facts, result: Result) -> TrainResult | None:
    """Returns the result of a model of the Model's task, or None if there is no such result."""
    document = facts[result]
    trained = parse(document, result.uri) if not isinstance(document, Unavailable) else None
    return trained if isinstance(trained, TrainResult) and trained.task == view.model.spec.task else None


def _pass_number_on(
    view: View, facts: Facts, now: datetime, status: ModelStatus, run: TrainingRun, waiting: list[TrainingRun]
) -> Registration:
    """Gives the number of a run whose result is gone to another run: it must not block the others."""
    assert status.registering is not None
    others = {
        other.uid: Result(other.status.result_uri or "") for other in waiting[:MAX_CANDIDATES] if other is not run
    }
    facts.all(*others.values())
    usable_run = next(
        (other for other in waiting if other.uid in others and _train_result(view, facts, others[other.uid])), None
    )
    if usable_run:
        memory.record_number(view, status.registering.number, usable_run.uid, facts, now)
        status.registering = Registering(run=usable_run.name, uid=usable_run.uid, number=status.registering.number)
    message = (
        f"TrainingRun {run.name}: there is no result of a {view.model.spec.task} model at {run.status.result_uri}; "
        "apply a run with a new name, which trains again"
    )
    return Registration(after=now + RETRY, notes=(Note("ResultMissing", message, "Warning"),))


def _run_uid(metadata: dict[str, object]) -> object:
    labels = metadata.get("labels")
    return labels.get(RUN_UID) if isinstance(labels, dict) else None
