"""Proves that the converted model answers as scikit-learn's does: that it converted proves nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from modelyard_runtime.errors import UserError
from modelyard_runtime.frames import Table
from modelyard_runtime.session import Session

RELATIVE, ABSOLUTE = 1e-4, 1e-6
FEWEST, MOST = 200, 5000


def probes(test: Table, seed: int) -> pd.DataFrame:
    """Held-out rows, and copies of them with a value missing in each column and with categories never seen."""
    rng = np.random.default_rng(seed)
    rows = test.features.iloc[:MOST]
    copies = max(len(rows), FEWEST)
    changed = rows.iloc[rng.integers(0, len(rows), copies)].reset_index(drop=True)
    for index, name in enumerate(changed.columns):
        text = name in test.categorical
        hit = np.arange(copies) % len(changed.columns) == index
        changed[name] = changed[name].astype(object if text else np.float32)
        changed.loc[hit, name] = "" if text else np.nan
        if text:
            changed.loc[np.roll(hit, 1) & (rng.random(copies) < 0.5), name] = "a category never seen"
    return pd.concat([rows, changed], ignore_index=True)


def check(pipeline: Pipeline, session: Session, test: Table, seed: int) -> dict[str, float]:
    """Raises UserError unless labels are all equal, and probabilities and values within 1e-4 relative.

    Returns the figures: rows compared and the greatest difference.
    """
    rows = probes(test, seed)
    matrix = rows if test.categorical else rows.to_numpy(dtype=np.float32)
    ours = session.ask(rows)
    worst = 0.0
    if "label" in ours:
        theirs = pipeline.predict(matrix)
        differ = int(np.sum(ours["label"].astype(object) != np.asarray(theirs).astype(object)))
        if differ:
            _refuse(pipeline, f"{differ} of {len(rows)} labels differ")
    for name, answer in (("probabilities", "predict_proba"), ("value", "predict")):
        if name not in ours:
            continue
        expected = np.asarray(getattr(pipeline, answer)(matrix), dtype=np.float64).reshape(ours[name].shape)
        distance = np.abs(ours[name] - expected) / np.maximum(np.abs(expected), ABSOLUTE / RELATIVE)
        worst = float(distance.max())
        if not np.isfinite(distance).all() or worst > RELATIVE:
            share = float(np.mean(~(distance <= RELATIVE)))
            found = f"{name} differ by up to {worst:.2g} relative, {share:.2%} of them by more than {RELATIVE:g}"
            _refuse(pipeline, found)
    return {"rows": float(len(rows)), "greatest_relative_difference": worst}


def _refuse(pipeline: Pipeline, found: str) -> None:
    name = type(pipeline.steps[-1][1]).__name__
    message = (
        f"the ONNX form of {name} does not answer as scikit-learn's: {found}. Nothing unchecked is served; "
        "choose another algorithm or other feature steps"
    )
    raise UserError("ConversionDisagrees", message, "spec.trainer.estimator")
