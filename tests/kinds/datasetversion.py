"""The sample of DatasetVersion, a small table, and the accepted version that harnesses start with, with its result."""

from __future__ import annotations

import hashlib

from modelyard_api.kinds.datasetversion import DatasetVersion
from tests.kinds.sample import HERE, SHA, Create, Object, Sample, Update

DATA_ID = hashlib.sha256(b"bench").hexdigest()
DATA_URI = f"{HERE}/data/{DATA_ID}"
VERSION = f"table-{DATA_ID[:10]}"
"""The name of the accepted version of Dataset ``table``."""
_COLUMNS = [{"name": f"x{i}", "type": "Float", "missing": 0} for i in range(20)] + [
    {"name": "label", "type": "Category"}
]
_TABLE = {
    "digest": f"sha256:{DATA_ID}",
    "uri": DATA_URI,
    "rows": 1000,
    "testRows": 200,
    "bytes": 40960,
    "target": "label",
    "columns": _COLUMNS,
}
SPEC: Object = {"datasetRef": {"name": "table"}, **_TABLE, "split": {}}
RESULT: Object = {"kind": "Ingest", "accepted": True, "versionId": DATA_ID, **_TABLE, "profile": True, "report": True}
"""The result that the ingest pod has left at ``DATA_URI``."""

SAMPLE = Sample(
    DatasetVersion,
    name="table-1",
    spec={
        "datasetRef": {"name": "table"},
        "digest": SHA,
        "uri": f"{HERE}/b/c",
        "rows": 10,
        "testRows": 2,
        "bytes": 1000,
        "target": "y",
        "columns": [{"name": "x", "type": "Float", "missing": 0}, {"name": "y", "type": "Category", "missing": 0}],
        "split": {"test": 0.2, "strategy": "Random", "seed": 0},
    },
    creates=(
        Create(
            "column belongs to the strategy Group",
            good={"split": {"strategy": "Group", "column": "x"}},
            bad={"split": {"column": "x"}},
        ),
    ),
    updates=(
        Update(
            "a DatasetVersion is immutable",
            good=({},),
            bad=({"rows": 11}, {"parent": "table-0"}, {"columns": []}),
        ),
    ),
    story=({key: SPEC[key] for key in ("digest", "uri", "columns", "target", "rows", "testRows")},),
    referred=(VERSION, VERSION, "fz-one"),
    names=lambda _: (f"fz-one-{VERSION[-10:]}", f"fz-two-{VERSION[-10:]}", "fz-one", "fz-two", "fz-three", "fz.one"),
)
