"""Loads models and asks them for answers, as the server does."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd

from modelyard_api.fields.artifact import ModelManifest
from modelyard_api.fields.signature import Signature
from modelyard_models.onnx_session import TENSOR_INPUT, ask, open_session
from modelyard_models.skops_types import NotAllowed
from modelyard_runtime.pod.errors import UserError


class Session(Protocol):
    """A loaded model."""

    signature: Signature

    def ask(self, features: pd.DataFrame) -> dict[str, np.ndarray]:
        """Returns output name -> array, shaped as the signature says. Raises UserError if the model fails."""
        ...


def open_model(manifest: ModelManifest, data: bytes) -> Session:
    """Loads the model in the manifest's format. Raises UserError if it can't be loaded."""
    if manifest.format == "ONNX":
        return OnnxSession(data, manifest.layout, manifest.signature)
    try:
        return SkopsSession(data, manifest.signature)
    except NotAllowed as error:
        raise UserError("TypeNotAllowed", f"{manifest.file} is not loaded: {error}") from error


class OnnxSession:
    """A model in ONNX format. The constructor raises UserError if onnxruntime can't load it."""

    def __init__(self, data: bytes, layout: str, signature: Signature) -> None:
        try:
            self.session = open_session(data)
        except Exception as error:  # onnxruntime's exceptions have no common base class
            message = f"onnxruntime can't load the model: {str(error).splitlines()[0]}"
            raise UserError("InvalidModel", message) from error
        self.layout, self.signature = layout, signature

    def ask(self, features: pd.DataFrame) -> dict[str, np.ndarray]:
        feeds: dict[str, Any]
        if self.layout == "Tensor":
            # _matrix selects columns by name, because an example that was read back has them in alphabetical order.
            feeds = {TENSOR_INPUT: _matrix(features, self.signature)}
        else:
            feeds = {name: values.reshape(-1, 1) for name, values in _columns(features, self.signature).items()}
        outputs = self.signature.outputs
        try:
            arrays = ask(self.session, feeds, outputs)
        except Exception as error:
            raise _failed(error) from error
        return {item.name: array for item, array in zip(outputs, arrays, strict=True)}


class SkopsSession:
    """A model in skops format. The constructor raises NotAllowed if a type in it is never loaded."""

    def __init__(self, data: bytes, signature: Signature) -> None:
        from modelyard_models.skops_model import SkopsModel

        self.model = SkopsModel(data, [item.name for item in signature.inputs])
        self.signature = signature

    def ask(self, features: pd.DataFrame) -> dict[str, np.ndarray]:
        outputs = self.signature.outputs
        try:
            arrays = self.model.answer(_columns(features, self.signature), None, outputs)
        except Exception as error:
            raise _failed(error) from error
        return {item.name: array for item, array in zip(outputs, arrays, strict=True)}


def _matrix(features: pd.DataFrame, signature: Signature) -> np.ndarray:
    return features[[item.name for item in signature.inputs]].to_numpy(dtype=np.float32)


def _columns(features: pd.DataFrame, signature: Signature) -> dict[str, np.ndarray]:
    kinds = {item.name: np.float32 if item.datatype == "FP32" else object for item in signature.inputs}
    return {name: features[name].to_numpy(dtype=kind) for name, kind in kinds.items()}


def _failed(error: Exception) -> UserError:
    problem = (str(error).splitlines() or [type(error).__name__])[0]
    return UserError("InvalidModel", f"the model fails on rows of the data: {problem}")
