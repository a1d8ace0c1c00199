"""Asks an ONNX model, as the server does."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pandas as pd

from modelyard_api.signature import Signature
from modelyard_runtime.errors import UserError


class Session:
    """A loaded model. Raises UserError where onnxruntime does not take it."""

    def __init__(self, data: bytes, layout: str, signature: Signature) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common class
            message = f"onnxruntime can't load the model: {str(error).splitlines()[0]}"
            raise UserError("InvalidModel", message) from error
        self.layout, self.signature = layout, signature

    def ask(self, features: pd.DataFrame) -> dict[str, np.ndarray]:
        """Each output by its name, in the shape of the signature."""
        feeds: dict[str, Any]
        if self.layout == "Tensor":
            # By name: an example that was read back has its columns in the order of the alphabet.
            names = [item.name for item in self.signature.inputs]
            feeds = {"input": features[names].to_numpy(dtype=np.float32)}
        else:
            kinds = {item.name: np.float32 if item.datatype == "FP32" else object for item in self.signature.inputs}
            feeds = {name: features[name].to_numpy(dtype=kind).reshape(-1, 1) for name, kind in kinds.items()}
        outputs = self.signature.outputs
        try:
            arrays = self.session.run([item.name for item in outputs], feeds)
        except Exception as error:
            message = f"the model fails on rows of the data: {str(error).splitlines()[0]}"
            raise UserError("InvalidModel", message) from error
        return {item.name: np.asarray(array).reshape(item.shape) for item, array in zip(outputs, arrays, strict=True)}
