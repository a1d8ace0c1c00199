"""Lets a spec name the columns that histogram gradient boosting itself handles as categories."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from modelyard_api.fields.trainer import Features
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.tables.frames import Table

FIELD = "spec.trainer.estimator.params.categorical_features"


def by_position(model: BaseEstimator, spec: Features, table: Table) -> None:
    """Replaces the names in the model's ``categorical_features`` by positions after encoding. Raises UserError."""
    names = model.get_params(deep=False).get("categorical_features")
    if names in (None, "from_dtype"):  # "from_dtype" applies to data frames only; the estimator gets arrays
        return
    known = table.categorical
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError("InvalidParameter", f"write a list of columns: of {', '.join(known) or 'none'}", FIELD)
    for name in names:
        if name not in known:
            raise UserError("UnknownColumn", one_of(name, known), FIELD)
    if spec.categorical.encode != "Ordinal" or spec.select:
        message = "needs spec.trainer.estimator.features.categorical.encode: Ordinal, and no features.select"
        raise UserError("InvalidParameter", message, FIELD)
    # After encoding the numeric columns come first: see features.pipeline.
    model.set_params(categorical_features=[len(table.numeric) + known.index(name) for name in names])
