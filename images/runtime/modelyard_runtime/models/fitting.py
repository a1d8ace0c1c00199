"""Fits a pipeline, in double precision where the estimator's arithmetic follows the precision of its features."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import InvalidParameterError

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.tables.frames import Table

OWN_PRECISION = ("sklearn.ensemble.", "sklearn.tree.")
"""Trees convert features to the precision that they compute in, so a copy in another one would be wasted memory."""


def fit(pipeline: Pipeline, table: Table) -> list[str]:
    """Fits the pipeline; returns what scikit-learn says of steps that did not converge. Raises UserError."""
    model = pipeline.steps[-1][1]
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            features = pipeline[:-1].fit_transform(table.matrix(), table.target)
            if not type(model).__module__.startswith(OWN_PRECISION):
                features = np.asarray(features, dtype=np.float64)
            model.fit(features, table.target)
    except InvalidParameterError as error:
        raise UserError("InvalidParameter", str(error), "spec.trainer.estimator.params") from error
    except (ValueError, TypeError) as error:
        message = f"scikit-learn refuses to fit it: {str(error).splitlines()[0]}"
        raise UserError("FitFailed", message, "spec.trainer.estimator") from error
    texts = {_first_line(item): issubclass(item.category, ConvergenceWarning) for item in caught}
    for text in texts:
        say(f"warning: {text}")
    return [text for text, is_of_convergence in texts.items() if is_of_convergence]


def iterates(model: BaseEstimator) -> bool:
    """Returns whether the estimator iterates until it converges. The ``max_iter`` of boosting is a number of trees."""
    return "max_iter" in model.get_params(deep=False) and not type(model).__module__.startswith(OWN_PRECISION)


def _first_line(item: warnings.WarningMessage) -> str:
    return (str(item.message).splitlines() or [item.category.__name__])[0]
