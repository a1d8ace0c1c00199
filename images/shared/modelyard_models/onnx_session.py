"""Loads and runs ONNX models, with the same settings for proving and for serving them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import onnxruntime
from numpy.typing import NDArray

TENSOR_INPUT = "input"
"""The name of the only input of a model with layout Tensor."""


class Output(Protocol):
    """An output of a signature; ``shape`` has -1 for the number of rows."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> Sequence[int]: ...


def open_session(data: bytes, threads: int = 1) -> Any:
    """Opens an onnxruntime session. Raises one of onnxruntime's exceptions, which have no common base class."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # No spinning: a thread that spins while it waits takes CPU time from other models in the pod.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def ask(session: Any, feeds: dict[str, NDArray[Any]], outputs: Sequence[Output]) -> list[NDArray[Any]]:
    """Returns the answers in the order and the shapes of ``outputs``. Raises one of onnxruntime's exceptions."""
    arrays = session.run([output.name for output in outputs], feeds)
    return [
        array if array.ndim == len(output.shape) else array.reshape(output.shape)
        for output, array in zip(outputs, arrays, strict=True)
    ]
