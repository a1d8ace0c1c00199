"""Builds real models in both layouts, written to disk as a training run writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from palmerpenguins import load_penguins
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from modelyard_api.fields.artifact import ModelManifest, canonical, sha256

OPSET = 18


@dataclass
class StoredModel:
    """A model on disk, the scikit-learn model it was made from, and its table."""

    folder: Path
    manifest: dict[str, Any]
    digest: str
    estimator: Any
    table: pd.DataFrame

    def column(self, name: str, rows: slice) -> list[Any]:
        """Returns a column's values as a client sends them; None is a missing value."""
        return [None if pd.isna(value) or value == "" else value for value in self.table[name].to_numpy()[rows]]


TYPES = {"FP32": "Float", "BYTES": "Category"}


def iris(folder: Path) -> StoredModel:
    """Returns a classifier of numbers: its input is one tensor, its labels are texts."""
    data = load_iris()
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    table = pd.DataFrame(data.data.astype(np.float32), columns=names)
    target = data.target_names[data.target]
    forest = RandomForestClassifier(30, max_depth=6, random_state=0).fit(table.to_numpy(), target)
    return _tensor(folder, forest, table, [("label", "BYTES", [-1]), ("probabilities", "FP32", [-1, 3])])


def diabetes(folder: Path) -> StoredModel:
    """Returns a regressor of numbers that imputes missing ones.

    Its input is one tensor; skl2onnx gives its output the shape [rows, 1].
    """
    data = load_diabetes()
    table = pd.DataFrame(data.data.astype(np.float32), columns=data.feature_names)
    model = make_pipeline(SimpleImputer(strategy="median"), Ridge()).fit(table.to_numpy(), data.target)
    return _tensor(folder, model, table, [("value", "FP32", [-1])])


def penguins(folder: Path) -> StoredModel:
    """Returns a classifier of numbers and texts, some missing: it has one input per column and integer labels."""
    table = load_penguins()
    target = (table["species"] == "Gentoo").astype(np.int64).to_numpy()
    numbers = ["bill_length_mm", "body_mass_g"]
    texts = ["island", "sex"]
    table = table[numbers + texts].astype(dict.fromkeys(numbers, np.float32))
    for name in texts:
        table[name] = table[name].fillna("").astype(object)
    steps = make_column_transformer(
        (SimpleImputer(strategy="median"), numbers), (OneHotEncoder(handle_unknown="ignore"), texts)
    )
    model = make_pipeline(steps, LogisticRegression(max_iter=5000)).fit(table, target)
    types = [(name, FloatTensorType([None, 1])) for name in numbers]
    types += [(name, StringTensorType([None, 1])) for name in texts]
    onnx = to_onnx(model, initial_types=types, target_opset=OPSET, options={id(model.steps[-1][1]): {"zipmap": False}})
    inputs = [(name, "FP32") for name in numbers] + [(name, "BYTES") for name in texts]
    outputs = [("label", "INT64", [-1]), ("probabilities", "FP32", [-1, 2])]
    return _write(folder, onnx, "Columns", inputs, outputs, model, table)


def body_mass(folder: Path) -> StoredModel:
    """Returns a regressor of numbers with one input per column, as another trainer's graph may have."""
    names = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]
    complete = load_penguins()[[*names, "body_mass_g"]].dropna()
    table = complete[names].astype(np.float32).reset_index(drop=True)
    model = make_pipeline(make_column_transformer(("passthrough", names)), Ridge()).fit(table, complete["body_mass_g"])
    onnx = to_onnx(model, initial_types=[(name, FloatTensorType([None, 1])) for name in names], target_opset=OPSET)
    inputs = [(name, "FP32") for name in names]
    return _write(folder, onnx, "Columns", inputs, [("value", "FP32", [-1])], model, table)


def _tensor(folder: Path, model: Any, table: pd.DataFrame, outputs: list[tuple[str, str, list[int]]]) -> StoredModel:
    final = model.steps[-1][1] if hasattr(model, "steps") else model
    options = {id(final): {"zipmap": False}} if hasattr(final, "classes_") else None
    types = [("input", FloatTensorType([None, table.shape[1]]))]
    onnx = to_onnx(model, initial_types=types, target_opset=OPSET, options=options)
    return _write(folder, onnx, "Tensor", [(name, "FP32") for name in table.columns], outputs, model, table)


def _write(
    folder: Path,
    onnx: Any,
    layout: str,
    inputs: list[tuple[str, str]],
    outputs: list[tuple[str, str, list[int]]],
    model: Any,
    table: pd.DataFrame,
    categories: dict[str, list[str]] | None = None,
) -> StoredModel:
    for output, (name, _, _) in zip(list(onnx.graph.output), outputs, strict=True):
        for node in onnx.graph.node:
            node.output[:] = [name if item == output.name else item for item in node.output]
        output.name = name
    data = onnx.SerializeToString()
    stored = StoredModel(folder, {}, "", model, table)
    rows = slice(0, 8)
    classifies = outputs[0][0] == "label"
    example_rows = table[rows] if layout == "Columns" else table[rows].to_numpy()
    answers = (
        {"label": model.predict(example_rows).tolist(), "probabilities": model.predict_proba(example_rows).tolist()}
        if (classifies)
        else {"value": model.predict(example_rows).tolist()}
    )
    manifest = {
        "format": "ONNX",
        "task": "Classification" if classifies else "Regression",
        "file": "model.onnx",
        "fileDigest": sha256(data),
        "fileBytes": len(data),
        "layout": layout,
        "signature": {
            "inputs": [{"name": name, "datatype": datatype, "type": TYPES[datatype]} for name, datatype in inputs],
            "outputs": [{"name": name, "datatype": datatype, "shape": shape} for name, datatype, shape in outputs],
            "classes": [str(item) for item in getattr(model, "classes_", ())],
        },
        "example": {"inputs": {name: stored.column(name, rows) for name in table.columns}, "outputs": answers},
        "categories": categories or {},
    }
    # Validate with the contract's own model, so that the server reads exactly what a training run writes.
    stored.manifest = ModelManifest.model_validate(_plain(manifest)).wire()
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(data)
    stored.digest = write_manifest(folder, stored.manifest)
    return stored


def write_manifest(folder: Path, manifest: dict[str, Any]) -> str:
    """Writes model.json; returns its digest."""
    data = canonical(manifest)
    (folder / "model.json").write_bytes(data)
    return sha256(data)


def _plain(document: Any) -> Any:
    """Converts NumPy's scalars to Python's, at any depth."""
    if isinstance(document, dict):
        return {key: _plain(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_plain(value) for value in document]
    return document.item() if isinstance(document, np.generic) else document
