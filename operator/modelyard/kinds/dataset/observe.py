"""What a Dataset's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, Key, Object
from modelyard.engine.store import Store
from modelyard_api.installation import Installation
from modelyard_api.kinds.dataset import Dataset


@dataclass(frozen=True)
class View:
    raw: Object
    dataset: Dataset
    installation: Installation
    jobs: tuple[Object, ...]
    versions: tuple[Object, ...]

    def version(self, name: str | None) -> Object | None:
        """The DatasetVersion of this Dataset that has this name."""
        return next((item for item in self.versions if item["metadata"]["name"] == name), None)

    def job(self, name: str | None) -> Object | None:
        """The ingest Job of this Dataset that has this name."""
        return next((item for item in self.jobs if item["metadata"]["name"] == name), None)


def observe(store: Store, key: Key, installation: Installation) -> View | None:
    raw = store.get(DATASETS, key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    uid = raw["metadata"]["uid"]
    return View(
        raw=raw,
        dataset=Dataset.model_validate(raw),
        installation=installation,
        jobs=tuple(store.owned(JOBS, uid)),
        versions=tuple(store.owned(DATASET_VERSIONS, uid)),
    )
