"""Checks when a monitor raises an alarm: hardly ever while nothing has moved, and soon once something has.

The figures of power stand in docs/design/statistics.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelyard.judgement.drift import MOST_ALPHA, Moved, alpha, compared, moved
from modelyard_api.wire.sketches import Column, Sketches
from modelyard_models import profile
from tests.unit.judgement.samples import numbers, sketches, texts

NAMES = ("body_mass_g", "bill_length_mm", "income", "island", "city", "age", "flag", "gap", "note")
LOOK = alpha(0.1, 600)
"""What a look at a window of ten minutes spends by default."""


def rows(number: int, seed: int, shift: float = 0.0) -> Sketches:
    """Returns the sketches of rows as tables have them: two humps, long tails, few and many categories, gaps."""
    random = np.random.default_rng(seed)
    values: dict[str, Any] = {
        "body_mass_g": random.choice([3700.0, 5050.0], number, p=[0.64, 0.36]) + random.normal(0, 450, number),
        "bill_length_mm": random.normal(44, 5.5, number),
        "income": random.lognormal(10, 1, number),
        "age": random.integers(18, 90, number).astype(float),
        "flag": random.choice([0.0, 1.0], number, p=[0.97, 0.03]),
        "gap": np.where(random.random(number) < 0.2, np.nan, random.normal(size=number)),
        "island": random.choice(["Biscoe", "Dream", "Torgersen"], number, p=[0.49, 0.36, 0.15]).astype(object),
        "city": np.array([f"city {item}" for item in random.zipf(1.6, number) % 300], object),
        "note": np.where(random.random(number) < 0.9, "", "x").astype(object),
    }
    values["body_mass_g"] += shift * 800  # the standard deviation is about 800
    columns = [
        (profile.of_texts if column.dtype == object else profile.of_numbers)(name, column)
        for name, column in values.items()
    ]
    return Sketches("m", "1", "sha256:1", 0.0, 600.0, number, tuple(columns))


def judged(window: Sketches, reference: Sketches, look: float = LOOK, least: float = 0.1) -> list[Moved]:
    pairs = compared("Input", window, reference, ())
    return moved(pairs, least, look / len(pairs))


@pytest.mark.parametrize(("number", "learned"), [(200, 300), (1000, 20_000)])
def test_a_week_in_which_nothing_moves_is_quiet(number: int, learned: int) -> None:
    reference = rows(learned, 1)
    for window in range(504):
        columns = judged(rows(number, 1000 + window), reference)
        assert not columns[0].proven, columns[0]
    assert {column.name for column in columns} == set(NAMES)


def test_the_bound_holds_where_it_is_nearly_used_up() -> None:
    """With hundreds of alarms allowed, and no least shift, there are still fewer than that."""
    alarms = sum(judged(rows(200, window), rows(200, 5000 + window), 0.5, 0.0)[0].proven for window in range(200))
    assert alarms <= 0.5 * 200


@pytest.mark.parametrize(
    ("number", "learned", "shift"), [(200, 300, 0.9), (1000, 300, 0.8), (1000, 20_000, 0.45), (5000, 20_000, 0.3)]
)
def test_a_shifted_column_is_found_in_one_window(number: int, learned: int, shift: float) -> None:
    """``shift`` is in standard deviations."""
    reference, found = rows(learned, 1), 0
    for seed in range(20):
        first = judged(rows(number, 100 + seed, shift), reference)[0]
        found += first.proven and first.name == "body_mass_g"
    assert found >= 19


def test_a_look_spends_its_part_of_what_a_week_allows() -> None:
    assert alpha(0.1, 600) * 7 * 24 * 6 == pytest.approx(0.1)
    assert alpha(100, 3000) == pytest.approx(100 * 3000 / (7 * 24 * 3600))
    assert alpha(100, 7 * 24 * 3600) == MOST_ALPHA


def test_smaller_shifts_than_asked_for_are_no_alarm_however_sure() -> None:
    window, reference = (sketches(9, texts({"a": part, "b": 100_000 - part})) for part in (56_000, 50_000))
    pairs = compared("Output", window, reference, ())
    (sure,) = moved(pairs, 0.0, 0.001)
    (small,) = moved(pairs, 0.1, 0.001)
    assert (sure.proven, small.proven, small.limit) == (True, False, 0.1)


@pytest.mark.parametrize(
    ("window", "reference", "was", "now"),
    [
        (numbers([5.0] * 300), numbers([4.0] * 300), "median 4", "median 5"),
        (numbers([0.0, 4.0, 9.0] * 100), numbers([4.0] * 300), "quartiles 4, 4", "quartiles 0, 9"),
        (numbers([4.0] * 150, missing=150), numbers([4.0] * 300), "0 of it missing", "0.5 of it missing"),
        (numbers([], missing=300), numbers([4.0] * 300), "0 of it missing", "1 of it missing"),
        (texts({"a": 300}), texts({"a": 150, "b": 150}), "'a' 0.5 of it", "'a' 1 of it"),
        (texts({"a": 150}, missing=150), texts({"a": 300}), "0 of it missing", "0.5 of it missing"),
        (texts({"new": 300}), texts({"a": 300}), "'a' 1 of it", "'a' 0 of it"),
    ],
)
def test_it_is_told_in_the_columns_own_units(window: Column, reference: Column, was: str, now: str) -> None:
    (column,) = moved([(window, reference)], 0.1, 0.001)
    assert (column.was, column.now) == (was, now)


def test_clients_texts_are_not_told() -> None:
    """A text that the training data had is named; others are what clients sent."""
    reference = texts({f"t{number}": 30 for number in range(10)}, "street", "Input")
    (column,) = moved([(texts({"secret": 200, "t1": 100}, "street", "Input"), reference)], 0.1, 0.001)
    assert (column.was, column.now) == ("no other values", "0.667 of it other values")
    assert "secret" not in column.text
