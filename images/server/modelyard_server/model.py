"""The interface of a loaded model, whatever its format."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from modelyard_server.manifest import Manifest
from modelyard_server.protocol import Inference


class Model(Protocol):
    """A loaded model. ``predict`` is safe to call from several threads at once."""

    manifest: Manifest
    seconds_a_row: float
    """``seconds_a_row`` is measured on the example as one batch: it predicts the cost of a large request."""
    seconds_a_call: float
    """``seconds_a_call`` is the time one prediction of the whole example took."""

    def predict(self, request: Inference) -> list[NDArray[Any]]:
        """Returns one array for each of ``request.outputs``, in their order, shaped as the signature says."""
        ...
