"""The counts of many columns at once are the library's own, byte for byte: else its hash function has changed."""

from __future__ import annotations

import datasketches
import numpy as np

from modelyard_api.sketches import HLL_LG_K
from modelyard_server.observe.distinct import Distinct

ROWS, SLICE = 20_000, 250


def test_the_same_bytes_as_one_update_a_value() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(9, ROWS)).astype(np.float32)
    values[1] = random.integers(0, 50, ROWS)
    values[2] = random.integers(0, 260, ROWS)  # about where the library goes from hashes to registers
    values[3] = random.integers(0, 100_000, ROWS)
    values[4] = 0.0
    values[5, ::3] = np.nan
    values[6, ::2], values[6, 1::2] = -0.0, np.inf
    values[7, : ROWS // 2] = 1.0  # sparse for long, dense later
    values[8] = np.nan
    distinct = Distinct(len(values))
    for start in range(0, ROWS, SLICE):
        distinct.fold(values[:, start : start + SLICE])
    for index, column in enumerate(values):
        plain = datasketches.hll_sketch(HLL_LG_K, datasketches.HLL_4)
        for value in column[~np.isnan(column)].tolist():
            plain.update(value)
        assert distinct.sketches[index].get_estimate() == plain.get_estimate(), index
        assert distinct.sketches[index].serialize_compact() == plain.serialize_compact(), index


def test_most_values_never_reach_the_library() -> None:
    """What makes it cheap: else a slow update a value would cost more than the prediction."""
    random = np.random.default_rng(1)
    distinct = Distinct(2)
    calls = [0, 0]

    class Counting:
        def __init__(self, index: int, sketch: object) -> None:
            self.index, self.sketch = index, sketch

        def update(self, value: float) -> None:
            calls[self.index] += 1
            self.sketch.update(value)  # type: ignore[attr-defined]

        def get_estimate(self) -> float:
            return float(self.sketch.get_estimate())  # type: ignore[attr-defined]

    distinct.sketches = [Counting(index, sketch) for index, sketch in enumerate(distinct.sketches)]
    for _ in range(400):
        values = random.normal(size=(2, SLICE)).astype(np.float32)
        values[1] = random.integers(0, 100, SLICE)
        distinct.fold(values)
    assert calls[0] < 0.15 * 400 * SLICE
    assert calls[1] < 0.1 * 400 * SLICE, "values that share a register push each other out"
