"""Random typed tables, cut into batches at random places."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import VersionColumn
from modelyard_runtime.tables.versions.chunk import Chunk, numbered
from modelyard_runtime.tables.versions.version import NewVersion, Story
from tests.unit.runtime.memory import STORE, MemoryStore

INSTANT = pa.timestamp("us", "UTC")
TYPES = {"f": "Float", "i": "Integer", "b": "Boolean", "c": "Category", "t": "Timestamp", "y": "Category"}
SCHEMA = pa.schema(
    [("f", pa.float64()), ("i", pa.int64()), ("b", pa.bool_()), ("c", pa.string()), ("t", INSTANT), ("y", pa.string())]
)


def table(rows: int, seed: int = 0, values: int = 1_000_000) -> pa.RecordBatch:
    """Returns a table with missing values in all columns but the last, ``y``, and at most ``values`` of each number."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.integers(0, values, rows) / 7,
        rng.integers(-values, values, rows),
        rng.integers(0, 2, rows).astype(bool),
        np.array([f"v{value}" if value % 5 else "é" * int(value % 90) for value in rng.integers(0, values, rows)]),
        rng.integers(0, values, rows) * 1_000_000,
        np.array(["a", "b", "b", "rare"])[np.minimum(rng.integers(0, 200, rows) // 66, 3)],
    ]
    arrays = []
    for column, item in zip(columns, SCHEMA, strict=True):
        missing = rng.random(rows) < (0.1 if item.name != "y" else 0)
        arrays.append(pa.array(column, mask=missing).cast(item.type))
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def cut(rows: pa.RecordBatch, seed: int, pieces: int = 7) -> Iterator[Chunk]:
    """Yields the rows in batches of random sizes, some of them empty, whose first row has number 2."""
    rng = np.random.default_rng(seed)
    places = [0, *sorted(rng.integers(0, len(rows) + 1, pieces).tolist()), len(rows)]
    for start, stop in pairwise(places):
        yield numbered(rows.slice(start, stop - start), start + 2, "t.csv")


def spec_of(**spec: Any) -> DatasetSpec:
    return DatasetSpec.model_validate({"source": {"configMap": {"name": "c", "key": "t.csv"}}, **spec})


def version_of(chunks: Iterator[Chunk], schema: pa.Schema = SCHEMA, store: Any = None, **spec: Any) -> dict[str, Any]:
    """Returns the fields of the result of a version that is made of these rows."""
    version = NewVersion(schema, spec_of(**spec))
    try:
        for chunk in chunks:
            version.add(chunk)
        columns = [VersionColumn(name=name, type=kind_of(schema, name)) for name in schema.names]  # type: ignore[arg-type]
        return version.end(store if store is not None else MemoryStore(), STORE, columns, Story("table"))
    finally:
        version.close()


def kind_of(schema: pa.Schema, name: str) -> str:
    return next(TYPES[item.name] for item in SCHEMA if item.type == schema.field(name).type)
