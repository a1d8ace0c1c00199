"""The target in the sample: its classes, or its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.tables.report import values
from modelyard_runtime.tables.report.material import Material

MOST_CLASSES = 5
"""Most classes that are drawn apart; the others are drawn as one."""
FEW = 20
"""A whole-number target with at most so many different numbers is taken for classes."""
OTHERS = "others"


@dataclass(frozen=True)
class Target:
    """``rows`` chooses the rows of the sample that have a target. Of these, ``classes`` has the class of each, the most
    frequent first, or ``numbers`` the number of each. ``labels`` names the classes that are drawn apart."""

    name: str
    rows: NDArray[np.bool_]
    classes: NDArray[np.int64] | None = None
    labels: tuple[str, ...] = ()
    numbers: NDArray[np.float64] | None = None

    @property
    def drawn(self) -> NDArray[np.int64]:
        """The classes of the rows, where all that have no label are one."""
        assert self.classes is not None
        return np.minimum(self.classes, len(self.labels) - 1)

    @property
    def of_what(self) -> str:
        return "entropy" if self.classes is not None else "variance"

    @property
    def measure(self) -> str:
        return "uncertainty coefficient" if self.classes is not None else "correlation ratio"


def target_of(material: Material) -> Target | None:
    """Returns the target; None if there is none, or it is neither classes nor numbers, or the sample has no value."""
    name = material.target
    column = next((column for column in material.columns if column.name == name), None)
    if name is None or column is None or name not in material.sample.column_names:
        return None
    sample = material.sample[name]
    if column.type == "Float" or (column.type == "Integer" and (column.distinct or 0) > FEW):
        numbers = values.numbers(sample)
        rows = np.isfinite(numbers)
        return Target(name, rows, numbers=numbers[rows]) if rows.any() else None
    if column.type not in ("Category", "Boolean", "Integer"):
        return None
    codes, words = values.texts(sample)
    rows = codes >= 0
    if not rows.any():
        return None
    sizes = np.bincount(codes[rows])
    order = sorted(range(len(sizes)), key=lambda code: (-int(sizes[code]), words[code]))
    rank = np.empty(len(sizes), np.int64)
    rank[order] = np.arange(len(sizes))
    labels = [words[code] for code in order]
    if len(labels) > MOST_CLASSES + 1:
        labels = [*labels[:MOST_CLASSES], OTHERS]
    return Target(name, rows, rank[codes[rows]], tuple(labels))
