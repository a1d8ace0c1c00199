"""Checks that the distinct counts of many columns have the library's own registers.

If they differ, the library's hash function or format has changed.
"""

from __future__ import annotations

import datasketches
import numpy as np
import pytest

from modelyard_api.wire.sketches import HLL_LG_K
from modelyard_models.distinct import EXACT, Distinct

ROWS, SLICE = 20_000, 250
HEADER = 40
"""The number of bytes before the registers in an HLL_8 sketch."""


def registers(sketch: datasketches.hll_sketch) -> bytes:
    """Returns the registers of a sketch, merged into one with registers.

    The library keeps hashes instead of registers for few values, and our sketch keeps values for even fewer.
    """
    union = datasketches.hll_union(HLL_LG_K)
    union.update(library(np.arange(-1000.5, 0)))
    union.update(sketch)
    return bytes(union.get_result(datasketches.HLL_8).serialize_compact())[HEADER:]


def library(values: np.ndarray) -> datasketches.hll_sketch:
    plain = datasketches.hll_sketch(HLL_LG_K, datasketches.HLL_8)
    for value in values[~np.isnan(values)].tolist():
        plain.update(value)
    return plain


def frozen(distinct: Distinct, column: int) -> datasketches.hll_sketch:
    return datasketches.hll_sketch.deserialize(distinct.freeze(column))


def test_the_same_registers_as_one_update_a_value() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(9, ROWS)).astype(np.float32)
    values[1] = random.integers(0, 50, ROWS)
    values[2] = random.integers(0, 260, ROWS)  # about where the library switches from hashes to registers
    values[3] = random.integers(0, 100_000, ROWS)
    values[4] = 0.0
    values[5, ::3] = np.nan
    values[6, ::2], values[6, 1::2] = -0.0, np.inf
    values[7, : ROWS // 2] = 1.0  # few for long, many later
    values[8] = np.nan
    distinct = Distinct(len(values))
    for start in range(0, ROWS, SLICE):
        distinct.fold(np.sort(values[:, start : start + SLICE], axis=1))
    for index, column in enumerate(values):
        plain, ours = library(column), frozen(distinct, index)
        number = len(set(column[~np.isnan(column)].tolist()))
        if number <= EXACT:
            assert ours.get_estimate() == pytest.approx(number, abs=0.01), index
            assert ours.get_estimate() == plain.get_estimate(), index
        else:
            assert registers(ours) == registers(plain), index
        assert ours.get_lower_bound(3) <= number <= ours.get_upper_bound(3), index


@pytest.mark.parametrize("number", [EXACT, EXACT + 1, 300, 1000, 50_000])
def test_the_estimate_lies_within_the_sketch_s_bounds(number: int) -> None:
    distinct = Distinct(1)
    values = np.arange(number, dtype=np.float32)
    for start in range(0, number, SLICE):
        distinct.fold(values[None, start : start + SLICE])
    ours = frozen(distinct, 0)
    assert ours.get_lower_bound(3) <= number <= ours.get_upper_bound(3)
    merged = datasketches.hll_union(HLL_LG_K)
    merged.update(ours)
    merged.update(library(values))
    assert merged.get_estimate() == pytest.approx(ours.get_estimate(), rel=0.05), "the same values once more"
