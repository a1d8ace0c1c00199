"""Registering: a table that somebody made becomes a version of the Dataset, as a run's model becomes its Model's."""

from __future__ import annotations

from modelyard.engine.plan import Create
from modelyard.engine.resource import DATASET_VERSIONS
from modelyard.kinds.dataset.observe import View
from modelyard.workload.names import child_metadata, manifest
from modelyard_api.fields.base import ObjectRef
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.kinds.datasetversion import DatasetVersionSpec, Origin
from modelyard_api.wire.result import TableResult


def version_name(dataset: Dataset, table: TableResult) -> str:
    """A function of the rows and of the rules they were judged by: what comes again finds its version again."""
    return f"{dataset.name}-{table.version_id[:10]}"


def register(view: View, table: TableResult, origin: Origin) -> Create:
    """The DatasetVersion of a table; ``origin`` is what made it. The version's own controller says the verdict."""
    spec = DatasetVersionSpec(
        dataset_ref=ObjectRef(name=view.dataset.name),
        digest=table.digest,
        uri=table.uri,
        rows=table.rows,
        test_rows=table.test_rows,
        bytes=table.bytes,
        target=table.target,
        columns=table.columns,
        split=view.dataset.spec.split,
        parent=view.dataset.status.latest,
        origin=origin,
    )
    metadata = child_metadata(view.raw, version_name(view.dataset, table), "modelyard-dataset")
    return Create(DATASET_VERSIONS, manifest(DATASET_VERSIONS, metadata, spec=spec.wire()))
