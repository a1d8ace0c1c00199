"""Checks how numbers and times are cut into bins: round edges, calendar units, and the same shares by both sources."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from modelyard_models import profile
from modelyard_models.instants import days
from modelyard_runtime.tables.report import axis
from modelyard_runtime.tables.report.spread import Sampled, axis_of, shares, spread_of

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("low", "high", "whole", "ticks"),
    [
        (0.0, 1.0, False, ["0", "0.5", "1.0"]),
        (2700.0, 6300.0, False, ["2000", "3000", "4000", "5000", "6000", "7000"]),
        (-0.3, 0.2, False, ["-0.4", "-0.2", "0", "0.2"]),
        (0, 100, True, ["0", "50", "100", "150"]),
        (0, 20, True, ["0", "5", "10", "15", "20", "25"]),
        (2**40, 2**40 + 9, True, None),
        (1e-9, 3e-9, False, ["1.0e-9", "1.5e-9", "2.0e-9", "2.5e-9", "3.0e-9"]),
        (5.0, 5.0, False, None),
        (7, 7, True, None),
        (-3e38, 3e38, False, None),
    ],
)
def test_numbers(low: float, high: float, whole: bool, ticks: list[str] | None) -> None:
    on = axis.of_numbers(low, high, whole)
    assert ticks is None or list(on.ticks) == ticks
    assert on.edges[0] <= low
    assert on.edges[-1] >= high
    assert len(set(np.diff(on.edges) > 0)) == 1
    assert on.bins % (len(on.ticks) - 1) == 0
    assert 1 <= on.bins <= 60
    assert not whole or all(edge == int(edge) for edge in on.edges)


@pytest.mark.parametrize(
    ("first", "last", "ticks", "bins"),
    [
        ("2024-01-05", "2024-12-30", ["2024-01", "2024-04", "2024-07", "2024-10", "2025-01"], 12),
        ("2024-02-28", "2024-03-02", ["2024-02-28 00:00", "2024-02-28 21:00"], None),
        ("1970-01-01", "2025-06-01", None, None),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:20", None, None),
        ("2026-03-01", "2026-03-01", None, None),
        ("0001-01-01", "9999-12-31", None, None),
    ],
)
def test_times(first: str, last: str, ticks: list[str] | None, bins: int | None) -> None:
    low, high = (datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() for text in (first, last))
    on = axis.of_times(low, high)
    assert on.edges[0] <= low
    assert on.edges[-1] > high
    assert ticks is None or list(on.ticks)[: len(ticks)] == ticks
    assert bins is None or on.bins == bins
    assert 1 <= on.bins <= axis.MOST_TIMES + 3


def test_weeks_begin_on_mondays() -> None:
    on = axis.of_times(*(datetime(2024, month, 1, tzinfo=UTC).timestamp() for month in (1, 7)))
    assert {datetime.fromtimestamp(edge, UTC).weekday() for edge in on.edges} == {0}


@pytest.mark.parametrize(
    "values",
    [RANDOM.normal(size=150), RANDOM.integers(0, 40, 150).astype(float), RANDOM.lognormal(0, 3, 150)],
    ids=["numbers", "whole", "skewed"],
)
def test_a_sketch_and_a_sample_give_the_same_shares(values: np.ndarray) -> None:
    """The sketch of so few numbers is exact, but for single precision."""
    values = values.astype(np.float32).astype(np.float64)
    sampled, sketched = Sampled(values), spread_of(profile.of_numbers("x", values), np.array([]))
    assert sketched is not None
    on = axis_of([sampled], False, False)
    mine, other = shares(sampled, on), shares(sketched, on)
    assert mine.bins == pytest.approx(other.bins)
    assert sum(mine.bins) + mine.below + mine.above == pytest.approx(1)


def test_a_sketch_of_times_has_days() -> None:
    times = np.datetime64("2024-02-01", "us") + np.arange(90).astype("timedelta64[D]")
    sketch = profile.of_numbers("t", days(times))
    spread = spread_of(sketch, np.array([]), is_time=True)
    assert spread is not None
    on = axis_of([spread], False, True)
    assert axis.time_text(spread.extremes()[0]) == "2024-02-01"
    assert axis.time_text(spread.extremes()[1]) == "2024-04-30"
    sampled = Sampled(times.astype("datetime64[s]").astype(float))
    assert shares(spread, on).bins == pytest.approx(shares(sampled, on).bins)


def test_few_far_numbers_leave_room_for_the_others() -> None:
    values = np.append(RANDOM.normal(size=995), [1e6] * 5)
    on = axis_of([Sampled(values)], False, False)
    drawn = shares(Sampled(values), on)
    assert on.edges[-1] < 10
    assert drawn.above >= 0.005


def test_numbers_that_single_precision_can_not_tell_apart_are_those_of_the_sample() -> None:
    values = 1_760_000_000.0 + np.arange(100)
    spread = spread_of(profile.of_numbers("x", values), values)
    assert isinstance(spread, Sampled)
