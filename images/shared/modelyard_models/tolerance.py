"""Decides whether two answers are the same: one rule for accepting, storing, loading and serving a model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

RELATIVE, ABSOLUTE = 1e-4, 1e-6


def floor(expected: NDArray[Any]) -> float:
    """Returns the absolute difference that rounding explains: single precision at the scale of the greatest answer."""
    finite = np.abs(expected[np.isfinite(expected)])
    return ABSOLUTE * max(1.0, float(finite.max(initial=0.0)))


def differences(answer: NDArray[Any], expected: NDArray[Any]) -> NDArray[Any]:
    """Returns the differences relative to ``expected``: at most RELATIVE means ``|a - b| <= RELATIVE |b| + floor``."""
    distance: NDArray[Any] = np.abs(answer - expected) / (np.abs(expected) + floor(expected) / RELATIVE)
    return distance


def are_same(answer: NDArray[Any], stored: list[Any]) -> bool:
    """Returns whether an answer equals the stored one: numbers within the tolerance, labels and texts exactly."""
    if answer.dtype.kind != "f":
        return bool(answer.tolist() == stored)
    expected = np.array(stored, dtype=np.float64)
    if expected.size != answer.size:
        return False
    return np.allclose(answer.reshape(expected.shape), expected, rtol=RELATIVE, atol=floor(expected), equal_nan=True)


def difference(name: str, answer: NDArray[Any], stored: list[Any]) -> str | None:
    """Returns how a model's answer to its own example differs from the stored answer, or None if it doesn't."""
    if are_same(answer, stored):
        return None
    answers = answer.tolist()
    row = next((i for i, pair in enumerate(zip(answers, stored, strict=False)) if pair[0] != pair[1]), 0)
    return (
        f"the model does not answer its own example as it was stored: output {name!r}, row {row}: "
        f"{str(answers[row : row + 1])[:100]} instead of {str(stored[row : row + 1])[:100]}"
    )
