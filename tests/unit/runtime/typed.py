"""Typed tables in a store in memory, as ingest leaves them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_api.kinds.datasetversion import VersionColumn
from modelyard_api.wire.task import Data
from tests.unit.runtime.memory import STORE, MemoryStore


def laid(store: MemoryStore, table: pa.Table, target: str, types: dict[str, Any], **more: Any) -> Data:
    """Lays a table into the store, each fifth row of it held out. ``types`` has a column's type, or all that is known
    of the column."""
    uri = f"{STORE}/t/{len(store.files)}"
    held_out = pa.array([index % 5 == 0 for index in range(len(table))])
    for name, mask in (("test", held_out), ("train", pa.compute.invert(held_out))):
        sink = pa.BufferOutputStream()
        pq.write_table(table.filter(mask), sink)
        store.files[f"{uri}/{name}.parquet"] = sink.getvalue().to_pybytes()
    columns = [
        VersionColumn.model_validate({"name": name} | ({"type": known} if isinstance(known, str) else known))
        for name, known in types.items()
    ]
    return Data(name="d-1", uri=uri, digest="sha256:" + "0" * 64, target=target, columns=columns, **more)
