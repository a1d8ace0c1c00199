"""A fitted pipeline in skops' form: the same bytes from the same model, and scikit-learn's own steps alone."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from typing import Any

import numpy as np
import skops.io
from skl2onnx.sklapi import CastTransformer
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from modelyard_models import skops_types
from modelyard_models.skops_types import SCHEMA

_EPOCH = (1980, 1, 1, 0, 0, 0)


def to_skops(pipeline: Pipeline) -> bytes:
    """The model's bytes. Raises NotAllowed, which names the type, for one that no server would load."""
    try:
        data = skops.io.dumps(_plain(pipeline))
    except Exception as error:  # skops raises what it meets in an object that it does not know
        message = f"skops can't hold it: {' '.join(str(error).split())[:300] or type(error).__name__}"
        raise skops_types.NotAllowed(message) from error
    skops_types.check(data)
    return _canonical(data)


def _plain(step: Any) -> Any:
    """A copy without the converter's own steps, and without what only fitting needs."""
    made = copy.copy(step)
    if isinstance(step, Pipeline):
        made.steps = [(name, _plain(inner)) for name, inner in step.steps]
    elif isinstance(step, ColumnTransformer):
        made.transformers_ = [(name, _plain(inner), columns) for name, inner, columns in step.transformers_]
        made.transformers = made.transformers_
    elif isinstance(step, CastTransformer):
        return FunctionTransformer(step.dtype)
    elif isinstance(step, SelectKBest):
        made.score_func = None
    elif isinstance(step, FunctionTransformer):
        return FunctionTransformer(np.float64)  # of histogram gradient boosting's own preparation: all it does
    elif getattr(step, "_preprocessor", None) is not None:
        made._preprocessor = _plain(step._preprocessor)
    return made


def _canonical(data: bytes) -> bytes:
    """skops numbers objects by their addresses in memory; here by their order in the file."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        schema = json.loads(source.read(SCHEMA))
        numbers: dict[int, int] = {}
        files: dict[str, str] = {}
        _number(schema, numbers, files)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as target:
            for old, new in files.items():
                _add(target, new, source.read(old))
            _add(target, SCHEMA, json.dumps(schema, separators=(",", ":")).encode())
    return buffer.getvalue()


def _number(item: Any, numbers: dict[int, int], files: dict[str, str]) -> None:
    if isinstance(item, list):
        for value in item:
            _number(value, numbers, files)
    elif isinstance(item, dict):
        if item.get("__loader__") in ("JsonNode", "TypeNode"):
            # Whether two equal ones are the same object is chance, and doesn't matter.
            item.pop("__id__", None)
        elif "__loader__" in item and "__id__" in item:
            item["__id__"] = numbers.setdefault(item["__id__"], len(numbers) + 1)
        if "__loader__" in item and "file" in item:
            suffix = item["file"].rpartition(".")[2]
            item["file"] = files.setdefault(item["file"], f"{len(files) + 1}.{suffix}")
        for value in item.values():
            _number(value, numbers, files)


def _add(target: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    target.writestr(entry, data, compresslevel=6)
