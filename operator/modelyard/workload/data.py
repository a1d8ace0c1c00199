"""The DatasetVersion that a run reads: its object, and its description in the run's task."""

from __future__ import annotations

from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, Object
from modelyard.engine.store import Store
from modelyard.workload.foreign import READ_THEM, check
from modelyard_api.fields.artifact import canonical
from modelyard_api.kinds.datasetversion import DatasetVersionSpec, VersionColumn
from modelyard_api.kinds.trainingrun import DatasetRef
from modelyard_api.wire.task import Data, Previous

MOST_COLUMN_BYTES = 100 * 1024
"""Size of a version's columns, in its spec, up to which a task names them."""


def observed(
    store: Store, namespace: str, ref: DatasetRef, resolved: str | None
) -> tuple[Object | None, Object | None]:
    """Returns the Dataset and its version: the ``resolved`` one, or the one to which ``ref`` would be resolved now."""
    dataset = store.get(DATASETS, namespace, ref.name)
    latest = ((dataset or {}).get("status") or {}).get("latest")
    name = resolved or ref.version or latest
    return dataset, store.get(DATASET_VERSIONS, namespace, name) if name else None


def data_of(version: Object) -> Data:
    """Returns what a task says of a DatasetVersion. Raises Fails if its rows are another namespace's."""
    spec = DatasetVersionSpec.model_validate(version["spec"])
    return Data(
        name=version["metadata"]["name"],
        uri=uri_of(version),
        digest=spec.digest,
        target=spec.target,
        columns=spec.columns,
        missing=spec.missing,
        key=spec.key,
    )


def uri_of(version: Object) -> str:
    """Returns where the rows of a DatasetVersion are. Raises Fails if another namespace has them."""
    meta, uri = version["metadata"], str(version["spec"]["uri"])
    check(meta["namespace"], uri, f"DatasetVersion {meta['name']}: spec.uri", READ_THEM)
    return uri


def previous_of(version: Object) -> Previous:
    """Returns what a task says of a Dataset's latest version. If its columns are too many for a task, the pod reads
    them beside its bytes."""
    spec = DatasetVersionSpec.model_validate(version["spec"])
    fits = len(canonical(version["spec"]["columns"])) <= MOST_COLUMN_BYTES
    columns = [
        VersionColumn(
            name=column.name,
            type=column.type,
            format=column.format,
            time_zone=column.time_zone,
            distinct=0 if column.distinct == 0 else None,
        )
        for column in spec.columns
    ]
    return Previous(
        name=version["metadata"]["name"],
        uri=spec.uri,
        digest=spec.digest,
        columns=columns if fits else [],
        missing=spec.missing,
        made_of=spec.made_of and spec.made_of.digest,
        cursor=spec.cursor,
    )
