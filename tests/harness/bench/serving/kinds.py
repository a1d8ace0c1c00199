"""Kinds of requests: a row, twenty rows, a row as a binary tensor."""

from __future__ import annotations

from dataclasses import dataclass

from tests.harness.bench.serving import bodies
from tests.harness.bench.serving.models import Made
from tests.harness.bench.serving.servers import Server


@dataclass(frozen=True)
class Kind:
    """``optional``: a server that refuses it is left out, for there are some that don't know it."""

    name: str
    rows: int
    binary: bool = False

    @property
    def optional(self) -> bool:
        return self.binary

    def fits(self, server: Server, made: Made) -> bool:
        return not self.binary or (made.numeric and server.body is bodies.v2)

    def batches(self, made: Made) -> list[tuple[bodies.Rows, list[int]]]:
        """The rows of different requests, and scikit-learn's labels."""
        starts = range(0, len(made.rows) - self.rows + 1, self.rows)
        return [(made.rows[at : at + self.rows], made.labels[at : at + self.rows]) for at in starts]

    def body(self, server: Server, made: Made, rows: bodies.Rows) -> bodies.Body:
        return (bodies.v2_binary if self.binary else server.body)(made, rows)


KINDS = (Kind("row", 1), Kind("batch", 20), Kind("binary", 1, binary=True))
