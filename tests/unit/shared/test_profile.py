"""Checks that a profile stays small enough to be read, and says which columns it has no room for."""

from __future__ import annotations

import numpy as np

from modelyard_api.wire.sketches import read
from modelyard_models import profile

WORDS = np.array([f"{number:060}" for number in range(500)], object)
DIGEST = "sha256:" + "0" * 64


def test_a_table_of_a_thousand_columns_fits() -> None:
    column = profile.of_numbers("x", np.random.default_rng(1).normal(size=200_000))
    data, left_out = profile.document(DIGEST, 200_000, [column] * 1000)
    assert (left_out, len(data) <= profile.MOST_BYTES) == ([], True)
    assert {column.distinct for column in read(data).columns} == {None}


def test_columns_that_do_not_fit_are_named() -> None:
    many = profile.of_texts("street", WORDS)
    few = profile.of_texts("city", WORDS[:3])
    data, left_out = profile.document(DIGEST, 500, [many] * 400 + [few])
    assert set(left_out) == {"street"}
    assert len(data) <= profile.MOST_BYTES
    assert read(data).columns[-1].name == "city", "a smaller one that comes later still fits"


def test_many_rows_are_folded_in_parts() -> None:
    values = np.arange(3 * profile.CHUNK + 5.0)
    column = profile.of_numbers("x", values)
    assert (column.count, column.extremes()) == (len(values), (0.0, values[-1]))
