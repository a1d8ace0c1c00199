"""Exports a fitted pipeline to skops: the same model gives the same bytes, with scikit-learn's own steps only."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from functools import partial
from typing import Any

import numpy as np
import skops.io
from skl2onnx.sklapi import CastTransformer
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_array

from modelyard_models import skops_types
from modelyard_models.skops_types import SCHEMA

_EPOCH = (1980, 1, 1, 0, 0, 0)


def to_skops(pipeline: Pipeline) -> bytes:
    """Returns the model's bytes. Raises NotAllowed, which names the type, if no server would load them."""
    try:
        data = skops.io.dumps(_plain(pipeline))
    except Exception as error:  # skops lets any exception of an object that it does not know through
        message = f"skops can't hold it: {' '.join(str(error).split())[:300] or type(error).__name__}"
        raise skops_types.NotAllowed(message) from error
    skops_types.check(data)
    return _canonical(data)


def _plain(step: Any) -> Any:
    """Copies a step without the ONNX converter's own steps and without attributes that only fitting needs."""
    plain = copy.copy(step)
    if isinstance(step, Pipeline):
        plain.steps = [(name, _plain(inner)) for name, inner in step.steps]
    elif isinstance(step, ColumnTransformer):
        plain.transformers_ = [(name, _plain(inner), columns) for name, inner, columns in step.transformers_]
        plain.transformers = plain.transformers_
    elif isinstance(step, CastTransformer):
        return FunctionTransformer(step.dtype)
    elif isinstance(step, SelectKBest):
        plain.score_func = None
    elif isinstance(step, FunctionTransformer):
        # The only function in histogram gradient boosting's preprocessor. Others are kept, and refused by their names.
        return FunctionTransformer(np.float64) if _is_check(step.func) else plain
    elif getattr(step, "_preprocessor", None) is not None:
        plain._preprocessor = _plain(step._preprocessor)
    # Servers ask with arrays, at which scikit-learn would warn each time. A step may be a word, such as "drop".
    getattr(plain, "__dict__", {}).pop("feature_names_in_", None)
    return plain


def _is_check(function: Any) -> bool:
    return isinstance(function, partial) and function.func is check_array


def _canonical(data: bytes) -> bytes:
    """Numbers the objects by their order in the file: skops numbers them by their addresses in memory."""
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
            # Drop the id: whether two equal values are the same object is chance, and doesn't matter.
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
