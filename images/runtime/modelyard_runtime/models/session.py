"""Loads models and asks them for answers, as the server does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from modelyard_api.fields.artifact import ModelManifest
from modelyard_api.fields.signature import Signature
from modelyard_models.onnx_model import OnnxModel
from modelyard_models.skops_types import NotAllowed
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.intake import Intake


def open_model(manifest: ModelManifest, data: bytes) -> Session:
    """Loads the model in the manifest's format. Raises UserError if it can't be loaded."""
    intake = Intake.of(manifest)
    if manifest.format == "ONNX":
        return OnnxSession(data, manifest.layout, manifest.signature, intake)
    try:
        return SkopsSession(data, manifest.signature, intake)
    except NotAllowed as error:
        raise UserError("TypeNotAllowed", f"{manifest.file} is not loaded: {error}") from error


class Session:
    """A loaded model: a ``modelyard_models.onnx_model.OnnxModel``, or a ``SkopsModel``, which has the same method; and
    how what it is asked with becomes what its file takes."""

    def __init__(self, model: Any, signature: Signature, intake: Intake) -> None:
        self._model, self.signature, self.intake = model, signature, intake

    def ask(self, features: pd.DataFrame) -> dict[str, np.ndarray]:
        """Returns output name -> array, shaped as the signature says, for what the file takes. Raises UserError if the
        model fails."""
        kinds = {item.name: np.float32 if item.datatype == "FP32" else object for item in self.intake.columns}
        # Columns are selected by name, because an example that was read back has them in alphabetical order.
        return self.answer({name: features[name].to_numpy(dtype=kind) for name, kind in kinds.items()})

    def answer(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the same for columns that are float32, or texts as objects."""
        outputs = self.signature.outputs
        try:
            arrays = self._model.answer(columns, None, outputs)
        except Exception as error:  # onnxruntime's exceptions have no common base class
            problem = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError("InvalidModel", f"the model fails on rows of the data: {problem}") from error
        return {item.name: array for item, array in zip(outputs, arrays, strict=True)}


class OnnxSession(Session):
    """A model in ONNX format, which takes its inputs as they are, unless an intake says more. The constructor raises
    UserError if onnxruntime can't load it."""

    def __init__(self, data: bytes, layout: str, signature: Signature, intake: Intake | None = None) -> None:
        intake = intake or Intake(signature.inputs)
        try:
            model = OnnxModel(data, layout, [item.name for item in intake.columns])
        except Exception as error:
            message = f"onnxruntime can't load the model: {str(error).splitlines()[0]}"
            raise UserError("InvalidModel", message) from error
        super().__init__(model, signature, intake)
        self.session = model.session


class SkopsSession(Session):
    """A model in skops format. The constructor raises NotAllowed if a type in it is never loaded."""

    def __init__(self, data: bytes, signature: Signature, intake: Intake | None = None) -> None:
        from modelyard_models.skops_model import SkopsModel

        intake = intake or Intake(signature.inputs)
        super().__init__(SkopsModel(data, [item.name for item in intake.columns]), signature, intake)
