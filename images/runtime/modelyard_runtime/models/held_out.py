"""Scores a stored model on the held-out rows."""

from __future__ import annotations

import numpy as np

from modelyard_api.fields.artifact import TEST_PARQUET
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Input
from modelyard_api.wire.task import Data
from modelyard_runtime.models import scoring
from modelyard_runtime.models.session import Session
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables import frames


def score(
    session: Session, store: ArtifactStore, data: Data, kind: Task, needed: list[str] | None = None
) -> dict[str, float]:
    """Returns every metric that can be computed from the model's answers on the held-out rows. Raises UserError if one
    of ``needed`` can't."""
    check_inputs(session.signature.inputs, data)
    return score_table(session, frames.load(store, data, TEST_PARQUET, session.intake, kind), kind, needed)


def score_table(session: Session, test: frames.Table, kind: Task, needed: list[str] | None = None) -> dict[str, float]:
    """Returns the metrics on these rows. Raises UserError."""
    answers = session.ask(session.intake.take(test.given))
    label = answers["value" if kind == Task.REGRESSION else "label"]
    if label.dtype.kind == "f" and not np.isfinite(label).all():
        message = (
            "the model's values are not all finite on held-out rows; correct what it does with rows that lack values"
        )
        raise UserError("InvalidModel", message)
    integers = label.dtype.kind in "iu"
    classes = [int(item) if integers else item for item in session.signature.classes]
    probabilities = answers.get("probabilities") if classes else None
    return scoring.score(needed or [], kind, test.target, label, probabilities, classes)


def check_inputs(inputs: list[Input], data: Data) -> None:
    """Raises UserError unless every input of the model is a column of the data."""
    names = [column.name for column in data.columns if column.name != data.target]
    for item in inputs:
        if item.name not in names:
            message = f"the model's input {one_of(item.name, names)} in dataset version {data.name}"
            raise UserError("SignatureMismatch", message)
