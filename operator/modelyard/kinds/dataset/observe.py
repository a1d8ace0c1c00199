"""Collects what a Dataset's decision is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, Object
from modelyard.engine.store import Store
from modelyard.workload import pushes, users
from modelyard.workload.names import of_name
from modelyard_api.installation import Installation
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.kinds.dataset import Dataset


@dataclass(frozen=True)
class View:
    raw: Object
    dataset: Dataset
    installation: Installation
    jobs: tuple[Object, ...]
    versions: tuple[Object, ...]
    pushing: tuple[BatchPrediction, ...] = ()
    """The runs whose table is to be registered, in the order in which they ended."""
    read: Mapping[str, tuple[Object | None, Object | None]] = field(default_factory=dict)
    """The Datasets that the query names -> each with its latest version, None for what doesn't exist."""
    used: frozenset[str] = frozenset()
    """The names of the versions that something uses."""
    cycle: tuple[str, ...] = ()
    """The names from this Dataset back to itself, if its query reads what is made of it."""

    def version(self, name: str | None) -> Object | None:
        """Returns this Dataset's DatasetVersion of this name, or None."""
        return of_name(self.versions, name)

    def job(self, name: str | None) -> Object | None:
        """Returns this Dataset's ingest Job of this name, or None."""
        return of_name(self.jobs, name)


def observe(store: Store, raw: Object, installation: Installation) -> View:
    dataset = Dataset.model_validate(raw)
    versions = tuple(store.owned(DATASET_VERSIONS, raw))
    looks = versions if dataset.spec.retention or dataset.status.expiring else ()
    return View(
        raw=raw,
        dataset=dataset,
        installation=installation,
        jobs=tuple(store.owned(JOBS, raw)),
        versions=versions,
        pushing=pushes.waiting(store, raw),
        read={name: _latest(store, raw, name) for name in _queried(raw)},
        used=frozenset(item["metadata"]["name"] for item in looks if users.of_dataset_version(store, item)),
        cycle=_cycle(store, raw),
    )


def _queried(dataset: Object) -> tuple[str, ...]:
    """Returns the names of the Datasets that a Dataset's query reads."""
    return Dataset.info.names(dataset, "Dataset")


def _latest(store: Store, dataset: Object, name: str) -> tuple[Object | None, Object | None]:
    namespace = dataset["metadata"]["namespace"]
    found = store.get(DATASETS, namespace, name)
    latest = ((found or {}).get("status") or {}).get("latest")
    return found, store.get(DATASET_VERSIONS, namespace, latest) if latest else None


def _cycle(store: Store, dataset: Object) -> tuple[str, ...]:
    namespace, start = dataset["metadata"]["namespace"], dataset["metadata"]["name"]
    paths: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while paths:
        path = paths.pop()
        at = dataset if path == (start,) else store.get(DATASETS, namespace, path[-1])
        for name in _queried(at or {}):
            if name == start:
                return (*path, name)
            if name not in seen:
                seen.add(name)
                paths.append((*path, name))
    return ()
