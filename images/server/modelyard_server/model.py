"""What answers: a model that is loaded, whatever its form."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from modelyard_server.manifest import Manifest
from modelyard_server.protocol import Inference


class Model(Protocol):
    """A loaded model. ``predict`` may be called from several threads at once."""

    manifest: Manifest
    seconds_a_row: float
    """Measured with the example, as a batch: what a large request costs."""
    seconds_a_call: float

    def predict(self, request: Inference) -> list[NDArray[Any]]:
        """The outputs asked for, in the order and the shapes of the signature."""
        ...
