"""A pipeline of scikit-learn in skops' form: loaded from allowed types alone, and asked without pandas.

What proves a model in training and what serves it is this same code.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from modelyard_models import skops_bounds, skops_types
from modelyard_models.skops_types import NotAllowed

DTYPES: dict[str, type] = {"FP32": np.float32, "INT64": np.int64, "BYTES": object}


def load(data: bytes) -> Pipeline:
    """Raises NotAllowed for what is never loaded, and for what another scikit-learn has written."""
    skops_types.check(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            made = skops.io.loads(data, trusted=skops_types.TRUSTED)
        if not isinstance(made, Pipeline):
            raise NotAllowed(f"it holds a {type(made).__name__}, no Pipeline")
        skops_bounds.check(made)
    except NotAllowed:
        raise
    except InconsistentVersionWarning as error:
        message = (
            f"it was written by scikit-learn {error.original_sklearn_version}, here is "
            f"{error.current_sklearn_version}; serve it with the image of the release that trained it, or train anew"
        )
        raise NotAllowed(message) from error
    except Exception as error:  # A damaged file can make any constructor fail in its own way.
        raise NotAllowed(f"it can't be loaded: {type(error).__name__}: {' '.join(str(error).split())[:300]}") from error
    return made


class SkopsModel:
    """A loaded model, for inputs named ``names`` in this order.

    The column transformer in front, if there is one, is taken apart: by itself it would want a data frame.
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
        """Each of ``outputs`` (with name, datatype and shape), for ``matrix`` [rows, inputs] or, where that is None,
        for ``columns`` of [rows] each: float32, or texts as objects."""
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
        made: list[NDArray[Any]] = []
        for output in outputs:
            ask = self._final.predict_proba if output.name == "probabilities" else self._final.predict
            made.append(np.asarray(ask(features)).astype(DTYPES[output.datatype]).reshape(output.shape))
        return made


def _transformed(columns: Mapping[str, NDArray[Any]], branch: Any, names: list[str], dtype: type) -> NDArray[Any]:
    made: NDArray[Any] = np.empty((len(columns[names[0]]), len(names)), dtype)
    for place, name in enumerate(names):
        made[:, place] = columns[name]
    found: NDArray[Any] = branch.transform(made)
    return found


def _one_job(pipeline: Pipeline) -> None:
    """Threads for one small prediction cost more than they bring."""
    params = pipeline.get_params(deep=True)
    several = [name for name, value in params.items() if name.endswith("__n_jobs") and value not in (None, 1)]
    pipeline.set_params(**dict.fromkeys(several, 1))


def _forget_names(branch: Any) -> None:
    """Else each prediction warns that its columns have none."""
    for step in [branch, *(step for _, step in getattr(branch, "steps", ()))]:
        vars(step).pop("feature_names_in_", None)
