"""Checks the tolerance that the program which stores a model and the one which serves it share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelyard_models.tolerance import RELATIVE, are_same, difference, floor


@pytest.mark.parametrize(
    ("computed", "stored", "same"),
    [
        (np.array([1.0, 2.0], np.float32), [1.0, 2.0 * (1 + RELATIVE / 2)], True),
        (np.array([1.0, 2.0], np.float32), [1.0, 2.0 * (1 + RELATIVE * 2)], False),
        (np.array([0.0, 1e4], np.float32), [0.005, 1e4], True),
        (np.array([0.0, 1e4], np.float32), [0.05, 1e4], False),
        (np.array([np.nan], np.float32), [float("nan")], True),
        (np.array([1.0], np.float32), [1.0, 1.0], False),
        (np.array([[0.2, 0.8]], np.float32), [[0.2, 0.8]], True),
        (np.array([1, 2], np.int64), [1, 2], True),
        (np.array([1, 2], np.int64), [1, 3], False),
        (np.array(["a", "b"], object), ["a", "b"], True),
        (np.array(["a", "b"], object), ["a", "c"], False),
    ],
)
def test_numbers_may_differ_by_rounding_and_labels_not_at_all(computed: Any, stored: list[Any], same: bool) -> None:
    assert are_same(computed, stored) is same
    assert (difference("label", computed, stored) is None) is same


def test_a_difference_names_the_output_and_the_first_row() -> None:
    message = difference("label", np.array(["a", "b"], object), ["a", "c"])
    assert message is not None
    assert "output 'label', row 1: ['b'] instead of ['c']" in message


def test_the_floor_follows_the_greatest_finite_answer() -> None:
    assert floor(np.array([0.5])) == pytest.approx(1e-6)
    assert floor(np.array([np.inf, -2e3, np.nan])) == pytest.approx(2e-3)
