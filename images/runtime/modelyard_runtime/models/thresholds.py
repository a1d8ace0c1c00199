"""Makes histogram gradient boosting exact in single precision."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator


def round_down(estimator: BaseEstimator) -> None:
    """Replaces each threshold by the greatest float32 that is not above it.

    The estimator's thresholds are doubles, ONNX's are floats: a threshold rounded up would send a value equal to it
    down the other branch. Features are float32, and for those ``x <= t`` equals ``x <= round_down(t)``.
    """
    for iteration in getattr(estimator, "_predictors", ()):
        for tree in iteration:
            thresholds = tree.nodes["num_threshold"]
            near = thresholds.astype(np.float32)
            above = near.astype(np.float64) > thresholds
            near[above] = np.nextafter(near[above], np.float32(-np.inf))
            tree.nodes["num_threshold"] = near
