"""A dataset version as a trainer sees it: feature columns in their order, and the target."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Input
from modelyard_api.wire.task import Data
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.pod.store import ArtifactStore

MAX_CATEGORIES = 1000
"""A text column with more categories is more like free text; listing them would make ``model.json`` large."""


@dataclass(frozen=True)
class Table:
    """``features`` has float32 and str columns, in the order of ``inputs``; a missing value is NaN or ``""``."""

    inputs: list[Input]
    features: pd.DataFrame
    target: np.ndarray

    @property
    def numeric(self) -> list[str]:
        return [item.name for item in self.inputs if item.datatype == "FP32"]

    @property
    def categorical(self) -> list[str]:
        return [item.name for item in self.inputs if item.datatype == "BYTES"]

    def categories(self) -> dict[str, list[str]]:
        """Returns the sorted texts of each categorical column with at most MAX_CATEGORIES, without missing values."""
        texts_of = {name: sorted(set(self.features[name]) - {""}) for name in self.categorical}
        return {name: texts for name, texts in texts_of.items() if len(texts) <= MAX_CATEGORIES}

    def where(self, mask: np.ndarray) -> Table:
        """Returns the rows for which ``mask`` is True."""
        return Table(self.inputs, self.features[mask].reset_index(drop=True), self.target[mask])

    def hashes(self) -> np.ndarray:
        """Returns a hash of each row, its target included."""
        frame = self.features.set_axis(range(len(self.inputs)), axis=1).assign(target=self.target)
        return pd.util.hash_pandas_object(frame, index=False).to_numpy()

    def matrix(self) -> pd.DataFrame | np.ndarray:
        """Returns the pipeline's input: one float32 matrix if all columns are numbers, else the columns by name."""
        return self.features if self.categorical else self.features.to_numpy(dtype=np.float32)


def inputs_of(data: Data, exclude: list[str]) -> list[Input]:
    """Returns the feature columns. Raises UserError if an excluded column doesn't exist or no column remains."""
    names = [column.name for column in data.columns if column.name != data.target]
    for index, name in enumerate(exclude):
        if name not in names:
            field = f"spec.trainer.estimator.features.exclude[{index}]"
            raise UserError("UnknownColumn", one_of(name, names), field)
    kept = [column for column in data.columns if column.name in names and column.name not in exclude]
    if not kept:
        raise UserError(
            "NoFeatures", "every column is excluded; leave at least one", "spec.trainer.estimator.features.exclude"
        )
    return [Input(name=column.name, datatype="BYTES" if column.type == "Category" else "FP32") for column in kept]


def load(store: ArtifactStore, data: Data, part: str, inputs: list[Input], task: Task) -> Table:
    """Loads one part of a version, ``train.parquet`` or ``test.parquet``. Raises UserError."""
    frame = pq.read_table(io.BytesIO(store.read(f"{data.uri}/{part}"))).to_pandas()
    columns = {}
    for item in inputs:
        column = frame[item.name]
        if item.datatype == "BYTES":
            columns[item.name] = column.astype(object).where(column.notna(), "").astype(object)
        else:
            columns[item.name] = pd.to_numeric(column, errors="coerce").astype(np.float32)
    return Table(inputs, pd.DataFrame(columns), _target(frame[data.target], data, task))


def load_both(store: ArtifactStore, data: Data, exclude: list[str], task: Task) -> tuple[Table, Table]:
    inputs = inputs_of(data, exclude)
    return load(store, data, TRAIN_PARQUET, inputs, task), load(store, data, TEST_PARQUET, inputs, task)


def _target(column: pd.Series, data: Data, task: Task) -> np.ndarray:
    type_ = next(item.type for item in data.columns if item.name == data.target)
    if task == Task.REGRESSION:
        if type_ not in ("Float", "Integer"):
            message = f"the target {data.target!r} is a {type_}; a regression needs numbers. Choose a classifier"
            raise UserError("TargetDoesNotFit", message, "spec.trainer.estimator.algorithm")
        return column.to_numpy(dtype=np.float64)
    if type_ == "Float":
        message = f"the target {data.target!r} is a Float; a classifier needs classes. Declare it Category, or regress"
        raise UserError("TargetDoesNotFit", message, "spec.trainer.estimator.algorithm")
    if type_ == "Integer":
        return column.to_numpy(dtype=np.int64)
    if type_ == "Boolean":
        return np.where(column.to_numpy(dtype=bool), "true", "false").astype(object)
    return column.astype(object).to_numpy()
