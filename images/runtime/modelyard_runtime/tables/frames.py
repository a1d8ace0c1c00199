"""A dataset version as a trainer sees it: feature columns in their order, and the target."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Input
from modelyard_api.wire.task import Data
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables import intake
from modelyard_runtime.tables.given import given_of
from modelyard_runtime.tables.intake import Intake
from modelyard_runtime.tables.target import target_of

MAX_CATEGORIES = 1000
"""A text column with more categories is more like free text; listing them would make ``model.json`` large."""
NO_FEATURES = ("Text", "Identifier")
"""Types of columns that no model learns from."""


@dataclass(frozen=True)
class Table:
    """``given`` has the values that a model is asked with, in the order of the intake's inputs: float32 (float64 if
    they have an offset), texts, and ``datetime64[us]``; a missing value is NaN, ``""`` or NaT."""

    intake: Intake
    given: pd.DataFrame
    target: np.ndarray

    @cached_property
    def features(self) -> pd.DataFrame:
        """What the model's file takes: float32 and texts."""
        return self.intake.take(self.given)

    @property
    def numeric(self) -> list[str]:
        return [item.name for item in self.intake.columns if item.datatype == "FP32"]

    @property
    def categorical(self) -> list[str]:
        return [item.name for item in self.intake.columns if item.datatype == "BYTES"]

    def categories(self) -> dict[str, list[str]]:
        """Returns the sorted texts of each categorical column with at most MAX_CATEGORIES, without missing values."""
        texts_of = {name: sorted(set(self.features[name]) - {""}) for name in self.categorical}
        return {name: texts for name, texts in texts_of.items() if len(texts) <= MAX_CATEGORIES}

    def where(self, mask: np.ndarray) -> Table:
        """Returns the rows for which ``mask`` is True."""
        return Table(self.intake, self.given[mask].reset_index(drop=True), self.target[mask])

    def hashes(self) -> np.ndarray:
        """Returns a hash of each row, its target included."""
        frame = self.given.set_axis(range(self.given.shape[1]), axis=1).assign(target=self.target)
        return pd.util.hash_pandas_object(frame, index=False).to_numpy()

    def matrix(self) -> pd.DataFrame | np.ndarray:
        """Returns the pipeline's input: one float32 matrix if all columns are numbers, else the columns by name."""
        return self.features if self.categorical else self.features.to_numpy(dtype=np.float32)


def left_out(data: Data) -> list[str]:
    """Returns the columns that are no features whatever a trainer says, each with the reason, such as "note (Text)"."""
    return [f"{name} ({why})" for name, why in _never(data).items()]


def _never(data: Data) -> dict[str, str]:
    others = [column for column in data.columns if column.name != data.target]
    return {column.name: column.type for column in others if column.type in NO_FEATURES} | {
        column.name: "key" for column in others if column.name in data.key
    }


def inputs_of(data: Data, exclude: Sequence[str] = ()) -> list[Input]:
    """Returns the feature columns. Raises UserError if an excluded column doesn't exist or no column remains."""
    columns = [column for column in data.columns if column.name != data.target]
    for index, name in enumerate(exclude):
        if name not in (names := [column.name for column in columns]):
            field = f"spec.trainer.estimator.features.exclude[{index}]"
            raise UserError("UnknownColumn", one_of(name, names), field)
    never = _never(data)
    kept = [column for column in columns if column.name not in (*exclude, *never)]
    if not kept and not never:
        raise UserError(
            "NoFeatures", "every column is excluded; leave at least one", "spec.trainer.estimator.features.exclude"
        )
    if not kept:
        message = (
            f"no column of {data.name} is left to learn from: free text, identifiers and keys are no features: "
            f"{', '.join(left_out(data)[:10])}; declare another type in the Dataset's spec.columns, or bring others"
        )
        raise UserError("NoFeatures", message, "spec.datasetRef")
    return [
        Input(
            name=column.name,
            datatype="BYTES" if column.type in ("Category", "Timestamp") else "FP32",
            type=column.type,
            format=column.format,
            time_zone=column.time_zone,
        )
        for column in kept
    ]


def plain(data: Data) -> Intake:
    """Returns how code of the user's own takes the columns of a version. Raises UserError if there are none."""
    if never := left_out(data):
        say(f"no features: {', '.join(never)}")
    return intake.plain(inputs_of(data), data.missing)


def training(store: ArtifactStore, data: Data, task: Task, exclude: Sequence[str] = ()) -> Table:
    """Loads the training rows, and learns from them how they are taken. Raises UserError."""
    inputs, rows = inputs_of(data, exclude), _read(store, data, TRAIN_PARQUET)
    if never := left_out(data):
        say(f"no features: {', '.join(never)}")
    names = [item.name for item in inputs]
    columns, _ = given_of(rows, inputs, names, data.missing)
    learnt = intake.learnt(inputs, columns, data.missing)
    given = pd.DataFrame({name: _narrow(columns.pop(name), name in learnt.wide) for name in names})
    return Table(learnt, given, target_of(rows[str(data.target)], data, task))


def load(store: ArtifactStore, data: Data, part: str, taken: Intake, task: Task) -> Table:
    """Loads one part of a version, ``train.parquet`` or ``test.parquet``. Raises UserError."""
    rows = _read(store, data, part)
    given, bad = given_of(rows, taken.inputs, taken.wide, taken.words)
    if bad:
        row, (column, reason) = next(iter(bad.items()))
        say(f"{len(bad)} rows of {part} have values that now count as missing: row {row + 1}, {column!r}: {reason}")
    return Table(taken, pd.DataFrame(given), target_of(rows[str(data.target)], data, task))


def load_both(store: ArtifactStore, data: Data, exclude: Sequence[str], task: Task) -> tuple[Table, Table]:
    table = training(store, data, task, exclude)
    return table, load(store, data, TEST_PARQUET, table.intake, task)


def _narrow(values: np.ndarray, wide: bool) -> np.ndarray:
    return values.astype(np.float32) if values.dtype == np.float64 and not wide else values


def _read(store: ArtifactStore, data: Data, part: str) -> pa.Table:
    return pq.read_table(io.BytesIO(store.read(f"{data.uri}/{part}")))
