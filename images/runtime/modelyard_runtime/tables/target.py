"""The target of a dataset version, as a trainer of a task sees it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.metrics import Task
from modelyard_api.wire.task import Data
from modelyard_runtime.pod.errors import UserError

MOST_CLASSES = 1000
"""Most classes of a model's signature."""
FIELD = "spec.trainer.estimator.algorithm"


def target_of(column: pa.ChunkedArray, data: Data, task: Task) -> np.ndarray:
    """Returns the target [rows]: float64 for a regression, else int64 or texts. Raises UserError if it doesn't fit the
    task."""
    type_ = next(item.type for item in data.columns if item.name == data.target)
    return _values(column, data, type_) if task == Task.REGRESSION else _classes(column, data, type_)


def _values(column: pa.ChunkedArray, data: Data, type_: str) -> np.ndarray:
    if type_ in ("Float", "Integer"):
        return np.asarray(column.to_numpy(), dtype=np.float64)
    example = next((value for value in column.to_pylist() if value is not None), None)
    remedy = "choose a classifier"
    if type_ in ("Category", "Text", "Identifier"):
        numbers = sum(1 for text in column.unique().to_pylist() if text and any(map(str.isdigit, text)))
        if 2 * numbers > len(column.unique()):
            remedy = (
                "if these are numbers, say how they are written in the Dataset's spec.source.csv (decimal, thousands), "
                "or correct them; if they are classes, choose a classifier"
            )
    message = (
        f"the target {data.target!r} is a {type_}; a regression needs numbers, but its values look like "
        f"{str(example)[:64]!r}: {remedy}"
    )
    raise UserError("TargetDoesNotFit", message, FIELD)


def _classes(column: pa.ChunkedArray, data: Data, type_: str) -> np.ndarray:
    distinct = pc.unique(column)
    if len(distinct) > MOST_CLASSES:
        regress = "regress, or " if type_ in ("Float", "Integer") else ""
        message = (
            f"the target {data.target!r} is of type {type_} and has {len(distinct)} different values, and a "
            f"classifier knows at most {MOST_CLASSES} classes: {regress}choose a target with fewer values"
        )
        raise UserError("TargetDoesNotFit", message, FIELD)
    if type_ == "Float":
        values = np.asarray(column.to_numpy(), dtype=np.float64)
        if not (values == np.floor(values)).all():
            example = next(value for value in values.tolist() if value != np.floor(value))
            message = (
                f"the target {data.target!r} is a Float, with values such as {example!r}; a classifier needs classes. "
                "Declare it Category, or regress"
            )
            raise UserError("TargetDoesNotFit", message, FIELD)
        return values.astype(np.int64)
    if type_ == "Integer":
        return np.asarray(column.to_numpy(), dtype=np.int64)
    if type_ == "Boolean":
        return np.where(column.to_numpy().astype(bool), "true", "false").astype(object)
    if type_ == "Timestamp":
        message = f"the target {data.target!r} is a Timestamp; a model learns classes or numbers; choose another target"
        raise UserError("TargetDoesNotFit", message, "spec.datasetRef")
    return np.asarray(column.to_pylist(), dtype=object)
