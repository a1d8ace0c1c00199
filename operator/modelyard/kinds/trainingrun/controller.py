"""Wires TrainingRuns into the engine."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine.resource import MODEL_VERSIONS, Key, Object
from modelyard.engine.store import Store
from modelyard.kinds.trainingrun.decide import decide
from modelyard.kinds.trainingrun.observe import MADE_BY, observe
from modelyard.workload.names import MANAGED_BY, RUN_UID
from modelyard.workload.wiring import Wiring, beside, labelled
from modelyard_api.installation import Installation
from modelyard_api.kinds.trainingrun import TrainingRun


def _run_uid(version: Object) -> str | None:
    return (version["metadata"].get("labels") or {}).get(RUN_UID)


def _run_of_version(version: Object, store: Store) -> Iterable[Key]:
    """Returns the key of the run that trained a ModelVersion."""
    return labelled(TrainingRun)(version, store) if _run_uid(version) is not None else ()


def _by_run(version: Object, _: Installation) -> Iterable[str]:
    return filter(None, [_run_uid(version)])


def _made_by(version: Object, _: Installation) -> Iterable[str]:
    """Returns the name of the run that made a version."""
    meta, run = version["metadata"], (version["spec"].get("lineage") or {}).get("trainingRun")
    is_ours = MANAGED_BY.items() <= (meta.get("labels") or {}).items() and not meta.get("deletionTimestamp")
    return [beside(version, run)] if run and is_ours else []


WIRING = Wiring(
    TrainingRun,
    observe,
    decide,
    wakes={MODEL_VERSIONS: _run_of_version},
    indexes={MODEL_VERSIONS: {"run": _by_run, MADE_BY: _made_by}},
)
