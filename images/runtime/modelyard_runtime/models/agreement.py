"""Proves that the stored model gives scikit-learn's answers; a conversion without errors doesn't prove that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.neighbors._base import KNeighborsMixin
from sklearn.pipeline import Pipeline

from modelyard_models.tolerance import RELATIVE, differences
from modelyard_runtime.models.session import Session
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.frames import Table

TIE = 1e-6
FEWEST, MOST = 200, 5000


def probes(test: Table, seed: int) -> pd.DataFrame:
    """Returns held-out rows as they are given, and copies of them, each with a missing value in one column, some with
    an unknown category."""
    rng = np.random.default_rng(seed)
    rows = test.given.iloc[:MOST]
    texts = {item.name for item in test.intake.inputs if item.datatype == "BYTES" and item.type != "Timestamp"}
    copies = max(len(rows), FEWEST)
    changed = rows.iloc[rng.integers(0, len(rows), copies)].reset_index(drop=True)
    for index, name in enumerate(changed.columns):
        text = name in texts
        emptied = np.arange(copies) % len(changed.columns) == index
        changed[name] = changed[name].astype(object if text else rows[name].dtype)
        changed.loc[emptied, name] = "" if text else pd.NaT if rows[name].dtype.kind == "M" else np.nan
        if text:
            changed.loc[np.roll(emptied, 1) & (rng.random(copies) < 0.5), name] = "a category never seen"
    return pd.concat([rows, changed], ignore_index=True)


def matrix(pipeline: Pipeline, rows: pd.DataFrame) -> pd.DataFrame | np.ndarray:
    """Returns rows in the form that the pipeline was fitted on: a data frame if it knows names or some columns are
    texts, else one float32 matrix."""
    named = hasattr(pipeline, "feature_names_in_") or any(dtype != np.float32 for dtype in rows.dtypes)
    return rows if named else rows.to_numpy(dtype=np.float32)


class Disagrees(Exception):
    """The stored model's answers differ from scikit-learn's; the message says how."""


@dataclass(frozen=True)
class Agreement:
    """The result of a proof: ``rows`` compared, ``ties`` among them (rows whose two greatest probabilities are equal),
    and the ``greatest`` relative difference."""

    rows: int
    ties: int
    greatest: float


class Proof:
    """Holds the rows to compare and scikit-learn's answers for them."""

    def __init__(self, pipeline: Pipeline, test: Table, seed: int) -> None:
        """Asks scikit-learn for its answers. Raises UserError if it fails or they are not finite."""
        self.pipeline, self.rows = pipeline, test.intake.take(probes(test, seed))
        self._matrix = matrix(pipeline, self.rows)
        self._theirs = _answers(pipeline, self._matrix)

    def check(self, session: Session) -> Agreement:
        """Raises Disagrees unless labels are equal, and probabilities and values are within 1e-4 relative.

        Where the greatest probabilities are equal any of their labels is accepted, since rounding decides between them.
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
                problem = f"{name} differ by up to {worst:.2g} relative, {share:.2%} of them by more than {RELATIVE:g}"
                self._refuse(problem)
        return Agreement(len(self.rows), ties, worst)

    def _refuse(self, problem: str) -> None:
        raise Disagrees(f"{problem}{_why(self.pipeline, self._matrix)}")


def _answers(pipeline: Pipeline, matrix: pd.DataFrame | np.ndarray) -> dict[str, np.ndarray]:
    try:
        answer = pipeline.predict(matrix)
        answers = {"value": answer, "label": answer}
        if hasattr(pipeline, "predict_proba"):
            answers["probabilities"] = pipeline.predict_proba(matrix)
    except ValueError as error:
        message = f"scikit-learn fits it, but fails to predict: {str(error).splitlines()[0]}"
        raise UserError("PredictFailed", message, "spec.trainer.estimator") from error
    for name, values in answers.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            message = (
                f"the fitted model's {name} are not finite on rows of the data, some of which lack values; choose "
                "another algorithm, or other params"
            )
            raise UserError("InvalidModel", message, "spec.trainer.estimator")
    return answers


def _ties(labels: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns two masks of shape (rows,): the two greatest probabilities are equal; and the label has one of them."""
    top = np.sort(probabilities, axis=1)[:, -2:]
    column = {label: index for index, label in enumerate(np.asarray(classes).tolist())}
    chosen = np.array([column[label] for label in labels.tolist()])
    own = probabilities[np.arange(len(labels)), chosen]
    tied = top[:, -1] - top[:, 0] <= TIE if top.shape[1] > 1 else np.zeros(len(labels), dtype=bool)
    return tied, tied & (top[:, -1] - own <= TIE)


def _why(pipeline: Pipeline, matrix: pd.DataFrame | np.ndarray) -> str:
    """Returns the reason for a difference, or "": the choice among equally near neighbours is arbitrary."""
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
