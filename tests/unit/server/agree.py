"""Whether a client got the answers that the estimator itself gives."""

from __future__ import annotations

import numpy as np

Answers = dict[str, np.ndarray]


def same(found: Answers, expected: Answers, name: str) -> None:
    """Labels are equal, numbers within the tolerance that models are accepted with."""
    assert found.keys() == expected.keys()
    for output, values in expected.items():
        if output == "label":
            assert found[output].astype(str).tolist() == values.astype(str).tolist(), name
        else:
            scale = max(1.0, float(np.abs(values).max()))
            np.testing.assert_allclose(found[output], values, rtol=1e-4, atol=1e-6 * scale, err_msg=name)
