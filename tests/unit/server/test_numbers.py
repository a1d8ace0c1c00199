"""Checks that a request's numbers become single precision exactly as NumPy converts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelyard_server.tensors import BadRequest, numbers

GREATEST = float(np.finfo(np.float32).max)


@pytest.mark.parametrize("columns", [1, 3])
def test_lists_are_rounded_as_numpy_does(columns: int) -> None:
    rng = np.random.default_rng(7)
    values: list[Any] = (rng.choice([-1, 1], 600) * 10 ** rng.uniform(-50, 38, 600)).tolist()
    values[:9] = [0, -0.0, 1, 2**53 + 1, 2**64 - 1, GREATEST, -GREATEST, 1e-45, 1e-46]
    named = {f"c{index}": values[index::columns] for index in range(columns)}
    converted = numbers(named)
    assert converted.dtype == np.float32
    assert converted.tobytes() == np.array(list(named.values()), dtype=np.float32).tobytes()


def test_null_is_nan_wherever_it_is() -> None:
    assert np.isnan(numbers({"a": [1.0, 2.0], "b": [None, 3]})).tolist() == [[False, False], [True, False]]


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("large", [1e39, -1e300, float("inf"), np.array([1.0, np.inf], dtype=np.float32)])
def test_what_is_too_large_is_refused_by_name(large: Any) -> None:
    column = large if isinstance(large, np.ndarray) else [1.0, large]
    with pytest.raises(BadRequest, match=r"input 'b': element 1, .* is too large for FP32"):
        numbers({"a": [1.0, None], "b": column})
    with pytest.raises(BadRequest, match=r"input 'b': element 1, .* is too large for FP32"):
        numbers({"b": column})
