"""Wires TrainingRuns into the engine."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import DATASET_VERSIONS, MODEL_VERSIONS, Key, Object
from modelyard.engine.store import Store
from modelyard.kinds.trainingrun.decide import decide
from modelyard.kinds.trainingrun.observe import observe
from modelyard.workload.names import RUN_UID
from modelyard.workload.wiring import Wiring, labelled, sharing
from modelyard_api.installation import Installation
from modelyard_api.kinds.datasetversion import DatasetVersion
from modelyard_api.kinds.trainingrun import TrainingRun


def _is_unfinished(run: Object) -> bool:
    return not (kstatus.holds(run, "Complete") or kstatus.holds(run, "Failed"))


def _run_uid(version: Object) -> str | None:
    return (version["metadata"].get("labels") or {}).get(RUN_UID)


def _run_of_version(version: Object, store: Store) -> Iterable[Key]:
    """Returns the key of the run that trained a ModelVersion."""
    return labelled(TrainingRun)(version, store) if _run_uid(version) is not None else ()


def _by_run(version: Object, _: Installation) -> Iterable[str]:
    return filter(None, [_run_uid(version)])


WIRING = Wiring(
    TrainingRun,
    observe,
    decide,
    waits={"Dataset": _is_unfinished, "Model": _is_unfinished},
    # A run that names no version may train on any version of its Dataset, so each of them wakes it.
    wakes={DATASET_VERSIONS: sharing(TrainingRun, DatasetVersion, "Dataset"), MODEL_VERSIONS: _run_of_version},
    indexes={MODEL_VERSIONS: {"run": _by_run}},
)
