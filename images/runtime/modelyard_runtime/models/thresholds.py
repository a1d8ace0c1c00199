"""Makes histogram gradient boosting exact in single precision."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator


def round_down(estimator: BaseEstimator) -> None:
    """Replaces each threshold by the greatest float32 that is not above it.

    Its thresholds are doubles, ONNX's are floats: one that is rounded up sends a value that equals it the other way.
    Features are float32 here, and for those ``x <= t`` and ``x <= round_down(t)`` are the same.
    """
    for iteration in getattr(estimator, "_predictors", ()):
        for tree in iteration:
            thresholds = tree.nodes["num_threshold"]
            near = thresholds.astype(np.float32)
            above = near.astype(np.float64) > thresholds
            near[above] = np.nextafter(near[above], np.float32(-np.inf))
            tree.nodes["num_threshold"] = near
