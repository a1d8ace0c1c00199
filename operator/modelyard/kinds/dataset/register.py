"""Registers tables: a table becomes a version of the Dataset, as a run's model becomes a version of its Model."""

from __future__ import annotations

from modelyard.engine.plan import Create
from modelyard.engine.resource import DATASET_VERSIONS
from modelyard.kinds.dataset.observe import View
from modelyard.workload.names import child_metadata, manifest
from modelyard_api.fields.base import ObjectRef
from modelyard_api.fields.validation import Split
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.kinds.datasetversion import DatasetVersionSpec, Origin
from modelyard_api.wire.result import IngestResult, TableResult


def version_name(dataset: Dataset, table: TableResult) -> str:
    """Returns a name made from the rows and the rules that judged them: the same input finds its version again."""
    return f"{dataset.name}-{table.version_id[:10]}"


def broken_rules(name: str, table: TableResult) -> str:
    """Returns the message that the version of this name was rejected."""
    broken = "; ".join(f"{v.column or 'table'}: {v.rule}, found {v.found}" for v in table.violations[:3])
    return f"{name} breaks spec.validation: {broken}; correct the data or the rules"


def register(view: View, table: TableResult, origin: Origin, split: Split) -> Create:
    """Returns the write of a table's DatasetVersion, which ``origin`` made; its own controller gives the verdict."""
    spec = DatasetVersionSpec(
        dataset_ref=ObjectRef(name=view.dataset.name),
        digest=table.digest,
        uri=table.uri,
        rows=table.rows,
        test_rows=table.test_rows,
        bytes=table.bytes,
        files=table.files,
        target=table.target,
        key=table.key,
        columns=table.columns,
        dropped_rows=table.dropped_rows,
        changes=table.changes,
        missing=table.missing,
        split=split,
        parent=view.dataset.status.latest,
        origin=origin,
        inputs=table.inputs if isinstance(table, IngestResult) else [],
        made_of=table.made_of if isinstance(table, IngestResult) else None,
        cursor=table.cursor if isinstance(table, IngestResult) else None,
    )
    metadata = child_metadata(view.raw, version_name(view.dataset, table), "modelyard-dataset")
    return Create(DATASET_VERSIONS, manifest(DATASET_VERSIONS, metadata, spec=spec.wire()))
