"""What a report is made of: the facts of a version, the sketches of its columns, and a sample of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from modelyard_api.kinds.datasetversion import VersionColumn, Violation
from modelyard_api.wire.sketches import Column

MOST_SAMPLED = 50_000
"""Most rows of a sample."""
MOST_CELLS = 5_000_000
"""Most values of a sample: a wide table has fewer rows in it, so that it needs 40 MB and a few seconds at most."""


def sample_size(columns: int) -> int:
    """Returns how many rows the sample of a table with so many columns has at most."""
    return min(MOST_SAMPLED, MOST_CELLS // max(columns, 1))


class Remark(NamedTuple):
    """A doubt or a change, of a column or of the whole table. ``rows`` are numbers as a spreadsheet shows them."""

    column: str | None
    title: str
    message: str
    examples: Sequence[str] = ()
    rows: Sequence[int] = ()
    file: str = ""


class Parent(NamedTuple):
    """The version that was the latest before."""

    name: str
    rows: int
    sketches: Sequence[Column]


@dataclass(frozen=True)
class Material:
    """``sample`` has typed columns, as the version's files do, and at most ``sample_size`` rows; ``sampled`` says how
    they were chosen. Nothing in it is a time of today: the same version has the same report."""

    dataset: str
    version_id: str
    digest: str
    rows: int
    test_rows: int
    accepted: bool
    target: str | None
    columns: Sequence[VersionColumn]
    sketches: Sequence[Column]
    sample: pa.Table
    sampled: str = "the first rows"
    dropped: int = 0
    violations: Sequence[Violation] = ()
    doubts: Sequence[Remark] = ()
    changes: Sequence[Remark] = ()
    parent: Parent | None = None

    @property
    def name(self) -> str:
        """The name of the DatasetVersion."""
        return f"{self.dataset}-{self.version_id[:10]}"
