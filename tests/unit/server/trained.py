"""Trains models as a training run does, and gives scikit-learn's own answers to compare with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import Data
from modelyard_runtime.export import prove
from modelyard_runtime.export.export import export
from tests.unit.runtime.memory import MemoryStore, data_of, lay_down, run_ingest, run_train


@dataclass
class Trained:
    """A model on disk, and the pipeline it was made from."""

    folder: Path
    result: TrainResult
    pipeline: Pipeline

    def answers(self, rows: pd.DataFrame) -> dict[str, np.ndarray]:
        """Returns scikit-learn's own answers to rows in the trainer's form."""
        inputs = self.result.signature.inputs
        columns = {
            item.name: rows[item.name].to_numpy(dtype=np.float32 if item.datatype == "FP32" else object)
            for item in inputs
        }
        frame = pd.DataFrame(columns)
        features = frame if any(item.datatype == "BYTES" for item in inputs) else frame.to_numpy()
        answers = {"label": self.pipeline.predict(features), "value": self.pipeline.predict(features)}
        if hasattr(self.pipeline, "predict_proba"):
            answers["probabilities"] = self.pipeline.predict_proba(features)
        return {item.name: answers[item.name] for item in self.result.signature.outputs}

    def request(self, rows: pd.DataFrame) -> dict[str, Any]:
        """Returns a request for the rows; null is a missing number or text."""
        tensors = []
        for item in self.result.signature.inputs:
            values = [None if value == "" or pd.isna(value) else value for value in rows[item.name].tolist()]
            tensors.append({"name": item.name, "shape": [len(rows)], "datatype": item.datatype, "data": values})
        return {"inputs": tensors}

    def body(self, rows: pd.DataFrame) -> bytes:
        return json.dumps(self.request(rows)).encode()


def train_to(
    folder: Path, store: MemoryStore, data: Data, algorithm: str, params: dict[str, Any] | None = None, **more: Any
) -> Trained:
    """Trains with the runtime, and returns the model with the pipeline that the runtime exported."""
    kept: list[Pipeline] = []

    def keeping(pipeline: Pipeline, *others: Any) -> Any:
        kept.append(pipeline)
        return export(pipeline, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prove, "export", keeping)
        result = run_train(store, data, algorithm, params, **more)
    return Trained(lay_down(store, result, folder), result, kept[0])


def table(rows: int = 160) -> pd.DataFrame:
    """Returns floats, integers and categories, some missing; the targets are 3 or 2 text classes, 0/1, and floats."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "length": rng.normal(size=rows).round(3),
            "count": rng.integers(0, 5, rows).astype(float),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "shape": rng.choice(["round", "square"], rows),
        }
    )
    score = frame["length"].fillna(0) + frame["count"] + (frame["colour"] == "red") + rng.normal(size=rows) / 4
    frame["three"] = np.array(["low", "mid", "high"])[pd.qcut(score, 3, labels=False)]
    frame["two"] = np.where(score > score.median(), "yes", "no")
    frame["whole"] = (score > score.median()).astype(int)
    frame["value"] = score.round(3)
    frame.loc[::11, "length"] = np.nan
    frame.loc[::13, "colour"] = ""
    return frame


def data_for(folder: Path, store: MemoryStore, target: str, columns: list[str]) -> Data:
    """Ingests some of the table's columns and one target, and returns them as a dataset version."""
    file = f"{target}-{len(columns)}.csv"
    table()[[*columns, target]].to_csv(folder / file, index=False)
    return data_of(run_ingest(folder, file, store, target=target, split={"test": 0.25}))


NUMBERS, MIXED = ["length", "count"], ["length", "count", "colour", "shape"]


def probe_rows() -> pd.DataFrame:
    """Returns rows with missing numbers, missing texts and unseen categories."""
    rows = table()[MIXED].iloc[:40].reset_index(drop=True)
    rows.loc[3, "colour"] = "ultraviolet"
    rows.loc[4, ["length", "count"]] = np.nan
    rows.loc[5, ["colour", "shape"]] = ""
    rows.loc[6] = [np.nan, np.nan, "", "a shape never seen"]
    return rows
