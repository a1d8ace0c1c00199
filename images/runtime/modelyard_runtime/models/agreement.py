"""Proves that the stored model answers as scikit-learn's does: that it converted proves nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.neighbors._base import KNeighborsMixin
from sklearn.pipeline import Pipeline

from modelyard_models.tolerance import RELATIVE, differences
from modelyard_runtime.models.session import Asked
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.frames import Table

TIE = 1e-6
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


class Disagrees(Exception):
    """The stored form does not answer as scikit-learn; the message says how."""


@dataclass(frozen=True)
class Agreement:
    """Rows compared, rows whose greatest probabilities are equal, and the greatest relative difference."""

    rows: int
    ties: int
    greatest: float


class Proof:
    """The rows that are asked, and scikit-learn's own answers."""

    def __init__(self, pipeline: Pipeline, test: Table, seed: int) -> None:
        """Raises UserError where there are no answers to compare with."""
        self.pipeline, self.rows = pipeline, probes(test, seed)
        self._matrix = self.rows if test.categorical else self.rows.to_numpy(dtype=np.float32)
        self._theirs = _answers(pipeline, self._matrix)

    def check(self, session: Asked) -> Agreement:
        """Raises Disagrees unless labels are equal, and probabilities and values within 1e-4 relative.

        Where the greatest probabilities are equal, any of their labels will do: which one it is, rounding decides.
        """
        ours, theirs = session.ask(self.rows), self._theirs
        worst, ties = 0.0, 0
        if "label" in ours:
            differ = ours["label"].astype(object) != np.asarray(theirs["label"]).astype(object)
            if "probabilities" in ours:
                tied, either = _ties(ours["label"], theirs["probabilities"], self.pipeline.classes_)
                ties = int(tied.sum())
                differ &= ~either
            if differ.any():
                self._refuse(f"{differ.sum()} of {len(self.rows)} labels differ")
        for name in ("probabilities", "value"):
            if name not in ours:
                continue
            expected = np.asarray(theirs[name], dtype=np.float64).reshape(ours[name].shape)
            distance = differences(ours[name], expected)
            worst = float(distance.max())
            if not np.isfinite(distance).all() or worst > RELATIVE:
                share = float(np.mean(~(distance <= RELATIVE)))
                found = f"{name} differ by up to {worst:.2g} relative, {share:.2%} of them by more than {RELATIVE:g}"
                self._refuse(found)
        return Agreement(len(self.rows), ties, worst)

    def _refuse(self, found: str) -> None:
        raise Disagrees(f"{found}{_why(self.pipeline, self._matrix)}")


def _answers(pipeline: Pipeline, matrix: pd.DataFrame | np.ndarray) -> dict[str, np.ndarray]:
    try:
        answer = pipeline.predict(matrix)
        found = {"value": answer, "label": answer}
        if hasattr(pipeline, "predict_proba"):
            found["probabilities"] = pipeline.predict_proba(matrix)
    except ValueError as error:
        message = f"scikit-learn fits it, but fails to predict: {str(error).splitlines()[0]}"
        raise UserError("PredictFailed", message, "spec.trainer.estimator") from error
    for name, values in found.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            message = f"the fitted model's {name} are not finite on rows of the data, some of which lack values"
            raise UserError("InvalidModel", message, "spec.trainer.estimator")
    return found


def _ties(labels: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two masks of shape (rows,): the two greatest probabilities are equal; and the label is of one as great."""
    top = np.sort(probabilities, axis=1)[:, -2:]
    column = {label: index for index, label in enumerate(np.asarray(classes).tolist())}
    chosen = np.array([column[label] for label in labels.tolist()])
    own = probabilities[np.arange(len(labels)), chosen]
    tied = top[:, -1] - top[:, 0] <= TIE if top.shape[1] > 1 else np.zeros(len(labels), dtype=bool)
    return tied, tied & (top[:, -1] - own <= TIE)


def _why(pipeline: Pipeline, matrix: pd.DataFrame | np.ndarray) -> str:
    """The reason, where it is known: nearest neighbours are no function of the data where distances are equal."""
    model = pipeline.steps[-1][1]
    if not isinstance(model, KNeighborsMixin) or not isinstance(getattr(model, "n_neighbors", None), int):
        return ""
    if model.weights != "uniform":
        return f"; its converter knows weights 'uniform' alone, not {model.weights!r}"
    if model.n_neighbors >= model.n_samples_fit_:
        return ""
    features = pipeline[:-1].transform(matrix)
    distances, _ = model.kneighbors(features, n_neighbors=model.n_neighbors + 1)
    equal = int(np.isclose(distances[:, -1], distances[:, -2], rtol=1e-6, atol=1e-6).sum())
    if not equal:
        return ""
    return (
        f"; {equal} of these rows have more than {model.n_neighbors} neighbours that are equally near, as with whole "
        "numbers and categories, and scikit-learn's choice of them follows no rule that could be converted"
    )
