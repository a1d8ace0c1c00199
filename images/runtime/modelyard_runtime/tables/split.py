"""Which rows are held out: a function of the seed and the target alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.kinds.dataset import Split
from modelyard_runtime.pod.errors import UserError


def held_out(target: pa.ChunkedArray, split: Split, type_: str) -> np.ndarray:
    """Boolean mask, shape (rows,): True is held out. Raises UserError where either part would be empty."""
    rows = len(target)
    rng = np.random.Generator(np.random.PCG64(split.seed))
    order = rng.permutation(rows)
    chosen = np.zeros(rows, dtype=bool)
    if split.strategy == "Stratified":
        if type_ == "Float":
            raise UserError("InvalidSplit", "Stratified needs a target of classes; write Random", "spec.split.strategy")
        codes = pc.dictionary_encode(target.combine_chunks()).indices.to_numpy(zero_copy_only=False)
        for code in range(int(codes.max()) + 1):
            members = order[codes[order] == code]
            count = min(round(split.test * len(members)), len(members) - 1)
            chosen[members[:count]] = True
    else:
        chosen[order[: round(split.test * rows)]] = True
    if not chosen.any() or chosen.all():
        message = f"{split.test:g} of {rows} rows leaves no row to {'train on' if chosen.all() else 'test on'}"
        raise UserError("InvalidSplit", message, "spec.split.test")
    return chosen
