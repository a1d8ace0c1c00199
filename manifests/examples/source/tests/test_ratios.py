"""The tests that each commit has to pass."""

from __future__ import annotations

import pytest
from acme.ratios import bill_ratio


def test_a_slender_bill_has_a_greater_ratio() -> None:
    assert bill_ratio(46.0, 14.0) > bill_ratio(39.0, 18.0)


def test_a_depth_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        bill_ratio(46.0, 0.0)
