"""The kinds of requests: one row, twenty rows, one row as a binary tensor."""

from __future__ import annotations

from dataclasses import dataclass

from tests.harness.bench.serving import bodies
from tests.harness.bench.serving.models import BenchModel
from tests.harness.bench.serving.servers import Server


@dataclass(frozen=True)
class Kind:
    """``optional`` says that a server which refuses this kind is left out, because some servers don't know it."""

    name: str
    rows: int
    binary: bool = False

    @property
    def optional(self) -> bool:
        return self.binary

    def fits(self, server: Server, model: BenchModel) -> bool:
        return not self.binary or (model.numeric and server.body is bodies.v2)

    def batches(self, model: BenchModel) -> list[tuple[bodies.Rows, list[int]]]:
        """Returns the rows of different requests, each with scikit-learn's labels."""
        starts = range(0, len(model.rows) - self.rows + 1, self.rows)
        return [(model.rows[at : at + self.rows], model.labels[at : at + self.rows]) for at in starts]

    def body(self, server: Server, model: BenchModel, rows: bodies.Rows) -> bodies.Body:
        return (bodies.v2_binary if self.binary else server.body)(model, rows)


KINDS = (Kind("row", 1), Kind("batch", 20), Kind("binary", 1, binary=True))
