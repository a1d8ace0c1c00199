"""Collects what a Dataset's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import DATASET_VERSIONS, JOBS, Object
from modelyard.engine.store import Store
from modelyard.workload import pushes
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

    def version(self, name: str | None) -> Object | None:
        """Returns this Dataset's DatasetVersion of this name, or None."""
        return of_name(self.versions, name)

    def job(self, name: str | None) -> Object | None:
        """Returns this Dataset's ingest Job of this name, or None."""
        return of_name(self.jobs, name)


def observe(store: Store, raw: Object, installation: Installation) -> View:
    return View(
        raw=raw,
        dataset=Dataset.model_validate(raw),
        installation=installation,
        jobs=tuple(store.owned(JOBS, raw)),
        versions=tuple(store.owned(DATASET_VERSIONS, raw)),
        pushing=pushes.waiting(store, raw),
    )
