"""Names the columns of a leading column transformer by position, as converters and servers know them."""

from __future__ import annotations

import copy

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from modelyard_runtime.tables.frames import Table


def positional(pipeline: Pipeline, table: Table) -> Pipeline:
    """Returns the fitted pipeline, if need be with a copy of its column transformer, whose branches are named by the
    type of their columns: ``numeric``, or else. It predicts as before."""
    name, first = pipeline.steps[0]
    if not isinstance(first, ColumnTransformer) or all(_are_positions(item[2]) for item in first.transformers_):
        return pipeline
    plain = copy.copy(first)
    plain.transformers_ = []
    for branch, step, _ in first.transformers_:
        positions = first._transformer_to_input_indices[branch]
        numeric = all(table.intake.columns[index].datatype == "FP32" for index in positions)
        plain.transformers_.append(("numeric" if numeric else "categorical", step, positions))
    return Pipeline([(name, plain), *pipeline.steps[1:]])


def _are_positions(columns: object) -> bool:
    return isinstance(columns, list | np.ndarray) and all(isinstance(item, int) for item in columns)
