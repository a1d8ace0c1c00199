"""Wires a TrainingRun's observe and decide into the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import (
    DATASET_VERSIONS,
    DATASETS,
    JOBS,
    MODEL_VERSIONS,
    MODELS,
    TRAINING_RUNS,
    Key,
    Object,
    Resource,
)
from modelyard.engine.store import Store
from modelyard.kinds.trainingrun.decide import decide
from modelyard.kinds.trainingrun.observe import View, observe
from modelyard.workload.names import RUN_UID, label
from modelyard_api.installation import Installation


def _waiting_for(field: str) -> Callable[[Object], Iterable[str]]:
    """Index of the runs that are not over by what they refer to."""

    def values(run: Object) -> Iterable[str]:
        name = (run["spec"].get(field) or {}).get("name")
        over = kstatus.holds(run, "Complete") or kstatus.holds(run, "Failed")
        return (f"{run['metadata']['namespace']}/{name}",) if name and not over else ()

    return values


class TrainingRunController:
    resource = TRAINING_RUNS
    watches: tuple[Resource, ...] = (JOBS, DATASETS, DATASET_VERSIONS, MODELS, MODEL_VERSIONS)

    def __init__(self, installation: Installation) -> None:
        self.installation = installation

    def indexes(self) -> Mapping[Resource, Mapping[str, Callable[[Object], Iterable[str]]]]:
        return {
            TRAINING_RUNS: {
                "waits-for-dataset": _waiting_for("datasetRef"),
                "waits-for-model": _waiting_for("modelRef"),
            },
            MODEL_VERSIONS: {"run": lambda obj: filter(None, [(obj["metadata"].get("labels") or {}).get(RUN_UID)])},
        }

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        meta = obj["metadata"]
        labels, namespace = meta.get("labels") or {}, meta["namespace"]
        if resource == JOBS or (resource == MODEL_VERSIONS and RUN_UID in labels):
            name = labels.get(label("TrainingRun"))
            return (Key(TRAINING_RUNS, namespace, name),) if name else ()
        if resource == MODELS:
            waiting = store.find(TRAINING_RUNS, "waits-for-model", f"{namespace}/{meta['name']}")
        elif resource in (DATASETS, DATASET_VERSIONS):
            name = meta["name"] if resource == DATASETS else obj["spec"]["datasetRef"]["name"]
            waiting = store.find(TRAINING_RUNS, "waits-for-dataset", f"{namespace}/{name}")
        else:
            waiting = []
        return [Key(TRAINING_RUNS, namespace, run["metadata"]["name"]) for run in waiting]

    def observe(self, store: Store, key: Key) -> View | None:
        return observe(store, key, self.installation)

    def decide(self, view: View, facts: Facts, now: datetime) -> Plan:
        return decide(view, facts, now)
