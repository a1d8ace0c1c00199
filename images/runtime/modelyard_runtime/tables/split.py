"""Chooses the held-out rows, which depend on the seed and the target alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.validation import Split
from modelyard_runtime.pod.errors import UserError


def held_out(target: pa.ChunkedArray, split: Split, type_: str) -> np.ndarray:
    """Returns a boolean mask of shape (rows,): True means held out. Raises UserError if either part would be empty."""
    rows = len(target)
    rng = np.random.Generator(np.random.PCG64(split.seed))
    order = rng.permutation(rows)
    mask = np.zeros(rows, dtype=bool)
    if split.strategy == "Stratified":
        if type_ == "Float":
            raise UserError("InvalidSplit", "Stratified needs a target of classes; write Random", "spec.split.strategy")
        codes = pc.dictionary_encode(target.combine_chunks()).indices.to_numpy(zero_copy_only=False)
        for code in range(int(codes.max()) + 1):
            members = order[codes[order] == code]
            count = min(round(split.test * len(members)), len(members) - 1)
            mask[members[:count]] = True
    else:
        mask[order[: round(split.test * rows)]] = True
    if not mask.any() or mask.all():
        purpose = "train on" if mask.all() else "test on"
        message = f"{split.test:g} of {rows} rows leaves no row to {purpose}; bring more rows, or write another share"
        raise UserError("InvalidSplit", message, "spec.split.test")
    return mask
