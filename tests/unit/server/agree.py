"""Compares the answers that a client got with those of the estimator itself."""

from __future__ import annotations

import numpy as np

Answers = dict[str, np.ndarray]


def assert_same(answers: Answers, expected: Answers, name: str) -> None:
    """Checks that labels are equal, and numbers within the tolerance for accepting a converted model."""
    assert answers.keys() == expected.keys()
    for output, values in expected.items():
        if output == "label":
            assert answers[output].astype(str).tolist() == values.astype(str).tolist(), name
        else:
            scale = max(1.0, float(np.abs(values).max()))
            np.testing.assert_allclose(answers[output], values, rtol=1e-4, atol=1e-6 * scale, err_msg=name)
