"""Digests data by its content, independent of the file it came in."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.artifact import canonical
from modelyard_api.kinds.dataset import DatasetSpec


def content_digest(table: pa.Table, types: dict[str, str]) -> str:
    """Returns the SHA-256 over the columns in order, each as: its name, its type, one byte per row that says whether
    there is a value, then the values (64-bit little-endian numbers, one byte per boolean, or lengths and UTF-8).

    A file's row groups, compression and metadata don't count, nor do the sign of zero or the bytes under a null.
    """
    total = hashlib.sha256(f"modelyard-table-1 {len(table)}".encode())
    for name, type_ in types.items():
        column = table[name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
        total.update(canonical([name, type_]))
        total.update(np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), dtype=np.uint8).tobytes())
        if type_ == "Category":
            text = [value.encode() for value in pc.fill_null(column, "").to_pylist()]
            total.update(np.array([len(value) for value in text], dtype="<i8").tobytes())
            total.update(b"".join(text))
        elif type_ == "Float":
            values = pc.fill_null(column, 0.0).to_numpy(zero_copy_only=False)
            total.update((values + 0.0).astype("<f8").tobytes())
        elif type_ == "Integer":
            total.update(pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype("<i8").tobytes())
        else:
            total.update(pc.fill_null(column, False).to_numpy(zero_copy_only=False).astype(np.uint8).tobytes())
    return "sha256:" + total.hexdigest()


def version_id(digest: str, types: dict[str, str], spec: DatasetSpec, lost: float) -> str:
    """Returns the id, 64 hex digits: the same rows under the same declaration are the same version.

    ``lost``, the share of rows without a target, counts only if a rule bounds it: then it decides on acceptance.
    """
    declared = {
        "digest": digest,
        "target": spec.target,
        "types": types,
        "columns": [rule.wire() for rule in spec.columns],
        "split": spec.split.wire(),
        "validation": spec.validation.wire(),
    }
    if any(rule.name == spec.target and rule.max_missing is not None for rule in spec.columns):
        declared["lost"] = lost
    return hashlib.sha256(canonical(declared)).hexdigest()
