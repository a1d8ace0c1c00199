"""Builds the pipeline from columns to features to an answer, only from steps that convert faithfully to ONNX."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from modelyard_api.fields.algorithms import needs_scale
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.trainer import CategoricalFeatures, Features, FeatureSelection, NumericFeatures
from modelyard_runtime.pod import memory
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.frames import Table

STRATEGIES = {"Median": "median", "Mean": "mean", "MostFrequent": "most_frequent"}
BYTES, SHARE = 20, 0.75
"""Bytes that a value takes in single precision, in double precision and in the estimator's own copy, and the share of
the pod's memory that all may take."""
MOST_CATEGORIES = 10_000
"""Most columns that one column becomes: beyond, it is free text or an identifier whatever memory there is."""
Steps = list[tuple[str, Any]]
Scale = Literal["None", "Standard", "MinMax"]


def pipeline(estimator: BaseEstimator, spec: Features, train: Table, task: Task, seed: int) -> Pipeline:
    """Returns the unfitted pipeline. For a table of numbers only it has no column transformer and takes one float32
    matrix."""
    numeric = _numeric(spec.numeric, scale_of(spec.numeric, estimator))
    if train.categorical:
        # Select columns by position, so that the converter needs no column names.
        positions = {item.name: index for index, item in enumerate(train.intake.columns)}
        branches = (
            [("numeric", Pipeline(numeric), [positions[name] for name in train.numeric])] if train.numeric else []
        )
        encoder = _encoder(spec.categorical, train.features[train.categorical])
        branches.append(("categorical", encoder, [positions[name] for name in train.categorical]))
        numeric = [("columns", ColumnTransformer(branches, sparse_threshold=0.0))]
    select = [("select", _selection(spec.select, task, seed))] if spec.select else []
    return Pipeline([*numeric, *select, ("estimator", estimator)])


def scale_of(spec: NumericFeatures, estimator: BaseEstimator) -> Scale:
    """Returns how numbers are scaled: as the spec says, or else as the estimator needs it."""
    if spec.scale != "Auto":
        return spec.scale
    kind = type(estimator)
    return "Standard" if needs_scale(f"{kind.__module__}.{kind.__name__}") else "None"


def _numeric(spec: NumericFeatures, scale: Scale) -> Steps:
    """Returns the steps that impute and scale numbers.

    Scaling is in double precision, because a float32 scaler puts values on the wrong side of a tree's thresholds.
    Imputing comes first, in single precision, because onnxruntime has no imputer for doubles.
    """
    impute = ("impute", SimpleImputer(strategy=STRATEGIES[spec.impute], keep_empty_features=True))
    if scale == "None":
        return [impute]
    from skl2onnx.sklapi import CastTransformer

    scaler = StandardScaler() if scale == "Standard" else MinMaxScaler()
    wide, narrow = CastTransformer(dtype=np.float64), CastTransformer(dtype=np.float32)
    return [impute, ("wide", wide), ("scale", scaler), ("narrow", narrow)]


def _encoder(spec: CategoricalFeatures, columns: pd.DataFrame) -> BaseEstimator:
    """Returns the encoder of texts. Its categories are computed here, because scikit-learn's ``min_frequency`` does not
    convert."""
    categories = []
    for name in columns:
        shares = columns[name].value_counts(normalize=True)
        frequent = shares[shares >= (spec.min_frequency or 0.0)]
        categories.append(np.array(sorted(frequent.index if len(frequent) else shares.index[:1]), dtype=object))
    if spec.encode == "OneHot":
        _check_width(len(columns), dict(zip(columns, map(len, categories), strict=True)))
        return OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return OrdinalEncoder(categories=categories, handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32)


def _check_width(rows: int, categories: dict[str, int]) -> None:
    """Raises UserError if one column a category would be too many, or need more memory than there is."""
    needed, there = BYTES * rows * sum(categories.values()), memory.limit()
    name, count = max(categories.items(), key=lambda item: item[1])
    if count > MOST_CATEGORIES or needed > SHARE * there:
        message = (
            f"column {name!r} has {count} different texts: one column each for {rows} rows would take "
            f"{needed / 2**30:.1f} GiB of memory, and the pod has {there / 2**30:.1f} GiB; declare it Text or "
            "Identifier in the Dataset's spec.columns, so that it is left out, or write categorical.minFrequency or "
            "categorical.encode: Ordinal here"
        )
        raise UserError("TooManyCategories", message, "spec.trainer.estimator.features")


def _selection(spec: FeatureSelection, task: Task, seed: int) -> BaseEstimator:
    from sklearn import feature_selection as fs

    classify = task == Task.CLASSIFICATION
    if spec.method == "FTest":
        score = fs.f_classif if classify else fs.f_regression
    else:
        function = fs.mutual_info_classif if classify else fs.mutual_info_regression
        score = partial(function, random_state=seed)
    return fs.SelectKBest(score, k=spec.keep)
