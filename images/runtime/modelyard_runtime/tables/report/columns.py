"""Everything of one column that the page shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from modelyard_api.kinds.datasetversion import VersionColumn
from modelyard_api.wire.distance import distance
from modelyard_api.wire.sketches import Column
from modelyard_runtime.tables.report.axis import time_text
from modelyard_runtime.tables.report.distribution import Distribution, distribution
from modelyard_runtime.tables.report.material import Material
from modelyard_runtime.tables.report.related import Related, related
from modelyard_runtime.tables.report.spread import Sketched
from modelyard_runtime.tables.report.target import Target
from modelyard_runtime.tables.report.text import figure

ALPHA = 0.05
"""The chance that a distance to the parent is told as beyond doubt though there is none, of all columns together."""
NO_FEATURES = ("Identifier", "Text")
QUANTILES = {"least": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "greatest": 1.0}


@dataclass(frozen=True)
class Described:
    """``moved`` is the distance to the parent; ``proven`` is the part of it that is beyond doubt."""

    index: int
    column: VersionColumn
    rows: int
    drawn: Distribution
    related: Related = field(default_factory=Related)
    moved: float | None = None
    proven: float = 0.0
    is_target: bool = False

    @property
    def missing(self) -> float:
        return self.column.missing / self.rows if self.rows else 0.0

    @property
    def quantiles(self) -> list[tuple[str, str]]:
        """Names and values of quantiles; the ends are exact."""
        if self.drawn.spread is None or self.column.type == "Boolean":
            return []
        inner = self.drawn.spread.quantiles(list(QUANTILES.values()))
        ends = {"least": self.column.min, "greatest": self.column.max}
        exact = [(name, ends.get(name)) for name in QUANTILES]
        return [
            (name, self._text(value if end is None else end)) for (name, end), value in zip(exact, inner, strict=True)
        ]

    @property
    def range(self) -> str:
        """From where to where numbers reach; "" for texts."""
        ends = self.quantiles
        if not ends:
            return ""
        return ends[0][1] if ends[0][1] == ends[-1][1] else f"{ends[0][1]} – {ends[-1][1]}"

    def _text(self, value: float) -> str:
        if self.column.type != "Timestamp":
            return figure(value)
        # A sketch knows the minute, but not the second.
        return time_text(60 * round(value / 60) if isinstance(self.drawn.spread, Sketched) else value)


def described(material: Material, target: Target | None) -> Iterator[Described]:
    """Yields the columns in their order."""
    now = {column.name: column for column in material.sketches}
    parent = material.parent
    was = {column.name: column for column in parent.sketches} if parent else {}
    alpha = ALPHA / max(len(now.keys() & was.keys()), 1)
    for index, column in enumerate(material.columns):
        sample = material.sample[column.name]
        mine, other = now.get(column.name), was.get(column.name)
        drawn = distribution(column, mine, other, sample, len(sample) == material.rows)
        is_target = column.name == material.target
        is_feature = not is_target and column.type not in NO_FEATURES
        tells = related(target, drawn, sample) if target and is_feature and len(sample) else Related()
        moved, proven = _moved(mine, other, alpha)
        yield Described(index, column, material.rows, drawn, tells, moved, proven, is_target)


def _moved(mine: Column | None, other: Column | None, alpha: float) -> tuple[float | None, float]:
    if mine is None or other is None or mine.kind != other.kind or not mine.count or not other.count:
        return None, 0.0
    apart = distance(mine, other, alpha)
    return apart.value, max(apart.proven, 0.0)
