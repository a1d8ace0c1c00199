"""Checks how much of a target a column explains, where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from modelyard_runtime.tables.report import relation

RANDOM = np.random.default_rng(3)
ROWS = 20_000
CLASSES = RANDOM.integers(0, 3, ROWS)


def test_all_or_nothing() -> None:
    assert relation.of_classes(CLASSES, CLASSES) == pytest.approx(1, abs=0.001)
    assert relation.of_classes(RANDOM.integers(0, 5, ROWS), CLASSES) == pytest.approx(0, abs=0.001)
    numbers = RANDOM.normal(size=ROWS)
    assert relation.of_numbers(CLASSES, CLASSES.astype(float)) == pytest.approx(1, abs=0.001)
    assert relation.of_numbers(RANDOM.integers(0, 5, ROWS), numbers) == pytest.approx(0, abs=0.001)


def test_it_is_the_mutual_information_by_the_entropy() -> None:
    groups = np.where(RANDOM.random(ROWS) < 0.6, CLASSES, RANDOM.integers(0, 3, ROWS))
    expected = mutual_info_score(groups, CLASSES) / mutual_info_score(CLASSES, CLASSES)
    assert relation.of_classes(groups, CLASSES) == pytest.approx(expected, abs=0.001)


def test_it_is_the_share_of_the_variance() -> None:
    """Groups whose means have a variance of 2/3, with noise of variance 1."""
    numbers = CLASSES + RANDOM.normal(size=ROWS)
    assert relation.of_numbers(CLASSES, numbers) == pytest.approx(2 / 3 / (2 / 3 + 1), abs=0.01)


@pytest.mark.parametrize("rows", [40, 200])
def test_many_groups_of_few_rows_explain_nothing_by_chance(rows: int) -> None:
    """Without the correction as many groups as rows explain all."""
    found = [relation.of_classes(RANDOM.integers(0, rows // 4, rows), RANDOM.integers(0, 2, rows)) for _ in range(200)]
    assert np.mean([value for value in found if value is not None]) < 0.1
    numbers = [relation.of_numbers(RANDOM.integers(0, rows // 4, rows), RANDOM.normal(size=rows)) for _ in range(200)]
    assert np.mean([value for value in numbers if value is not None]) < 0.1


def test_what_can_not_be_told() -> None:
    zeros, ones = np.zeros(9, np.int64), np.ones(9)
    assert relation.of_classes(np.arange(9), zeros) is None
    assert relation.of_numbers(np.arange(9), ones) is None
    assert relation.of_numbers(np.arange(9), np.arange(9.0)) is None


def test_missing_numbers_are_a_group() -> None:
    groups = relation.by_deciles(np.array([1.0, 2.0, np.nan, np.nan, 3.0]))
    assert groups[2] == groups[3]
    assert groups[2] not in groups[[0, 1, 4]]
    assert set(relation.by_deciles(np.full(4, np.nan))) == {1}
