"""How an ONNX model is loaded and asked: with the same settings where it is proven and where it is served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import onnxruntime
from numpy.typing import NDArray

TENSOR_INPUT = "input"
"""The one input of a model of layout Tensor."""


class Output(Protocol):
    """An output of a signature; ``shape`` has -1 for the number of rows."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> Sequence[int]: ...


def open_session(data: bytes, threads: int = 1) -> Any:
    """An onnxruntime session. Raises one of onnxruntime's exceptions, which have no common class."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that spins while it waits takes the processor from other models of the same pod.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def ask(session: Any, feeds: dict[str, NDArray[Any]], outputs: Sequence[Output]) -> list[NDArray[Any]]:
    """The answers in the order and the shapes of ``outputs``. Raises one of onnxruntime's exceptions."""
    arrays = session.run([output.name for output in outputs], feeds)
    return [
        array if array.ndim == len(output.shape) else array.reshape(output.shape)
        for output, array in zip(outputs, arrays, strict=True)
    ]
