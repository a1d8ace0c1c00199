"""When two answers count as the same: the one rule by which a model is accepted, stored, loaded and served."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

RELATIVE, ABSOLUTE = 1e-4, 1e-6


def floor(expected: NDArray[Any]) -> float:
    """The absolute difference that rounding explains: single precision, at the scale of the greatest answer."""
    finite = np.abs(expected[np.isfinite(expected)])
    return ABSOLUTE * max(1.0, float(finite.max(initial=0.0)))


def differences(found: NDArray[Any], expected: NDArray[Any]) -> NDArray[Any]:
    """How far apart, relative to ``expected``: at most RELATIVE is ``|a - b| <= RELATIVE |b| + floor``."""
    distance: NDArray[Any] = np.abs(found - expected) / (np.abs(expected) + floor(expected) / RELATIVE)
    return distance


def are_same(found: NDArray[Any], stored: list[Any]) -> bool:
    """Whether an answer is the stored one: numbers within the tolerance, labels and texts exactly."""
    if found.dtype.kind != "f":
        return bool(found.tolist() == stored)
    expected = np.array(stored, dtype=np.float64)
    if expected.size != found.size:
        return False
    return np.allclose(found.reshape(expected.shape), expected, rtol=RELATIVE, atol=floor(expected), equal_nan=True)


def difference(name: str, found: NDArray[Any], stored: list[Any]) -> str | None:
    """How a model's answer to its own example differs from the one that is stored with it; None: it doesn't."""
    if are_same(found, stored):
        return None
    answers = found.tolist()
    row = next((i for i, pair in enumerate(zip(answers, stored, strict=False)) if pair[0] != pair[1]), 0)
    return (
        f"the model does not answer its own example as it was stored: output {name!r}, row {row}: "
        f"{str(answers[row : row + 1])[:100]} instead of {str(stored[row : row + 1])[:100]}"
    )
