"""A model in ONNX format: how columns or a matrix become the inputs of its graph. Proving and serving share it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_models.onnx_session import TENSOR_INPUT, Output, ask, open_session


class OnnxModel:
    """A loaded model with inputs ``names``, in this order; ``layout`` is Tensor or Columns, as in its manifest.

    The constructor raises one of onnxruntime's exceptions if it can't load the bytes.
    """

    def __init__(self, data: bytes, layout: str, names: Iterable[str], threads: int = 1) -> None:
        self.session = open_session(data, threads)
        self._tensor, self._names = layout == "Tensor", list(names)

    def answer(
        self,
        columns: Mapping[str, NDArray[Any]] | None,
        matrix: NDArray[np.float32] | None,
        outputs: Sequence[Output],
    ) -> list[NDArray[Any]]:
        """Returns an array for each of ``outputs``. The input is ``matrix`` [rows, inputs] or, if that is None,
        ``columns`` of [rows] each: float32, or texts as objects. Raises one of onnxruntime's exceptions."""
        return ask(self.session, self._feeds(columns, matrix), outputs)

    def _feeds(
        self, columns: Mapping[str, NDArray[Any]] | None, matrix: NDArray[np.float32] | None
    ) -> dict[str, NDArray[Any]]:
        if columns is not None:
            if self._tensor:
                return {TENSOR_INPUT: np.column_stack([columns[name] for name in self._names])}
            return {name: columns[name].reshape(-1, 1) for name in self._names}
        assert matrix is not None
        if self._tensor:
            return {TENSOR_INPUT: matrix}
        return {name: matrix[:, index : index + 1] for index, name in enumerate(self._names)}
