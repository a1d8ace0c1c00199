"""Takes the estimator that a user's training function has returned, which may be anything."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from modelyard_api.wire.task import OUT_FOLDER
from modelyard_runtime.pod.errors import UserError

REASON = "ScriptReturnedOther"
ALLOWED = f"return a fitted estimator of scikit-learn, or write {OUT_FOLDER}/model.onnx and return None"


def pipeline_of(answer: Any, entry: str, field: str) -> Pipeline:
    """Returns the estimator as a fitted pipeline. Raises UserError if it is none.

    A search is replaced by the best that it found, and a pipeline within a pipeline by its steps.
    """
    name = type(answer).__name__
    if not isinstance(answer, BaseEstimator) or not hasattr(answer, "predict"):
        raise UserError(REASON, f"{entry} returned a {name}; {ALLOWED}", field)
    try:
        check_is_fitted(answer)
    except NotFittedError as error:
        raise UserError(REASON, f"{entry} returned a {name} that is not fitted; call its fit", field) from error
    if isinstance(answer, BaseSearchCV):
        return pipeline_of(answer.best_estimator_, entry, field)
    return Pipeline(_flat("estimator", answer))


def columns_of(pipeline: Pipeline, columns: list[str], field: str) -> list[str]:
    """Returns those of the columns that the model takes, in its order. Raises UserError if it takes others."""
    names = getattr(pipeline, "feature_names_in_", None)
    if names is None:
        count = getattr(pipeline, "n_features_in_", len(columns))
        if count != len(columns):
            message = (
                f"the estimator was fitted on {count} columns without names, but the data has {len(columns)}; fit it "
                "on context.train[context.columns], or on a data frame of some of them"
            )
            raise UserError(REASON, message, field)
        return columns
    if strange := [str(name) for name in names if name not in columns]:
        message = (
            f"the estimator was fitted on {', '.join(strange[:10])}, which servers are not asked with; the data has "
            f"{', '.join(columns[:40])}. Make new features in a step of a Pipeline"
        )
        raise UserError(REASON, message, field)
    return list(names)


def _flat(name: str, step: Any) -> list[tuple[str, Any]]:
    if not isinstance(step, Pipeline):
        return [(name, step)]
    return [
        (outer if outer == inner else f"{outer}-{inner}", leaf)
        for outer, part in step.steps
        if part not in (None, "passthrough")
        for inner, leaf in _flat(outer, part)
    ]
