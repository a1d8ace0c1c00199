"""Loads a scikit-learn pipeline in skops format, only from allowed types, and runs it without pandas.

Training proves a model with the same code that serves it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import skops.io
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from modelyard_models import skops_bounds, skops_types
from modelyard_models.skops_types import NotAllowed

DTYPES: dict[str, type] = {"FP32": np.float32, "INT64": np.int64, "BYTES": object}


def load(data: bytes) -> Pipeline:
    """Loads a pipeline. Raises NotAllowed for types that are never loaded, for another scikit-learn's file, and for a
    damaged one."""
    skops_types.check(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            pipeline = skops.io.loads(data, trusted=skops_types.TRUSTED)
        if not isinstance(pipeline, Pipeline):
            raise NotAllowed(f"it holds a {type(pipeline).__name__}, no Pipeline")
        skops_bounds.check(pipeline)
    except NotAllowed:
        raise
    except InconsistentVersionWarning as error:
        message = (
            f"it was written by scikit-learn {error.original_sklearn_version}, here is "
            f"{error.current_sklearn_version}; serve it with the image of the release that trained it, or train anew"
        )
        raise NotAllowed(message) from error
    except Exception as error:  # a damaged file can make any constructor fail in its own way
        raise NotAllowed(f"it can't be loaded: {type(error).__name__}: {' '.join(str(error).split())[:300]}") from error
    return pipeline


class SkopsModel:
    """A loaded model with inputs ``names``, in this order.

    A leading column transformer is split into its branches, because as a whole it would need a data frame.
    """

    def __init__(self, data: bytes, names: Iterable[str]) -> None:
        self._names = list(names)
        pipeline = load(data)
        self.pipeline = pipeline
        steps = [step for _, step in pipeline.steps]
        self._branches: list[tuple[Any, list[str], type]] = []
        if isinstance(steps[0], ColumnTransformer):
            for kind, branch, positions in steps[0].transformers_:
                if branch == "drop":
                    continue
                dtype = np.float32 if kind == "numeric" else object
                self._branches.append((branch, [self._names[index] for index in positions], dtype))
            steps = steps[1:]
        self._middle, self._final = steps[:-1], steps[-1]
        _one_job(pipeline)
        for branch, _, _ in self._branches:
            _forget_names(branch)

    def answer(
        self, columns: Mapping[str, NDArray[Any]] | None, matrix: NDArray[np.float32] | None, outputs: Iterable[Any]
    ) -> list[NDArray[Any]]:
        """Returns an array for each of ``outputs`` (which have name, datatype and shape).

        The input is ``matrix`` [rows, inputs] or, if that is None, ``columns`` of [rows] each: float32, or texts as
        objects.
        """
        features = matrix
        if self._branches:
            if matrix is not None:
                columns = dict(zip(self._names, matrix.T, strict=True))
            assert columns is not None
            features = np.hstack([_transformed(columns, *branch) for branch in self._branches])
        elif features is None:
            assert columns is not None
            features = np.column_stack([columns[name] for name in self._names])
        for step in self._middle:
            features = step.transform(features)
        answers: list[NDArray[Any]] = []
        for output in outputs:
            ask = self._final.predict_proba if output.name == "probabilities" else self._final.predict
            answers.append(np.asarray(ask(features)).astype(DTYPES[output.datatype]).reshape(output.shape))
        return answers


def _transformed(columns: Mapping[str, NDArray[Any]], branch: Any, names: list[str], dtype: type) -> NDArray[Any]:
    values: NDArray[Any] = np.empty((len(columns[names[0]]), len(names)), dtype)
    for index, name in enumerate(names):
        values[:, index] = columns[name]
    features = branch.transform(values)
    dense: NDArray[Any] = features.toarray() if issparse(features) else features
    return dense


def _one_job(pipeline: Pipeline) -> None:
    """Sets ``n_jobs`` to 1: threads for one small prediction cost more time than they save."""
    params = pipeline.get_params(deep=True)
    several = [name for name, value in params.items() if name.endswith("__n_jobs") and value not in (None, 1)]
    pipeline.set_params(**dict.fromkeys(several, 1))


def _forget_names(branch: Any) -> None:
    """Removes the names of columns that scikit-learn stored: else it warns at each prediction on an array."""
    for step in [branch, *(step for _, step in getattr(branch, "steps", ()))]:
        vars(step).pop("feature_names_in_", None)
