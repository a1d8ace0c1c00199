"""Judges whether what a model is asked, or answers, has moved away from a reference: column by column, in its units.

A monitor looks once at each window, and each look spends ``alpha``, divided equally among the columns. If nothing has
moved, the chance that a window raises an alarm for any column is at most ``alpha``, by the bounds that rollouts use
(``wire.bounds``), so the expected number of false alarms in a week is at most ``alpha`` times its windows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelyard_api.wire.distance import distance, in_common

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Column, Sketches

WEEK = 7 * 24 * 3600
MOST_ALPHA = 0.5
"""A look spends at most this, however many false alarms are allowed."""


@dataclass(frozen=True)
class Moved:
    """How far a column has moved. ``was`` and ``now`` are in its own units, for people."""

    name: str
    role: str
    shift: float
    limit: float
    was: str
    now: str

    @property
    def proven(self) -> bool:
        return self.shift > self.limit

    @property
    def text(self) -> str:
        return f"{self.name[:64]}: {self.was} in the reference, {self.now} now"


def alpha(per_week: float, seconds: float) -> float:
    """Returns what one look at a window of this length may spend, for so many false alarms in a week."""
    return min(MOST_ALPHA, per_week * seconds / WEEK)


def compared(role: str, window: Sketches, reference: Sketches, exclude: Collection[str]) -> list[tuple[Column, Column]]:
    """Returns the columns of ``role`` that are compared: the window's and the reference's."""
    return [pair for pair in in_common(role, window, reference) if pair[0].name not in exclude]


def moved(pairs: Sequence[tuple[Column, Column]], least: float, alpha: float) -> list[Moved]:
    """Returns how far each column has moved, the farthest beyond its limit first.

    A column's limit is the shift that chance alone exceeds with a probability of at most ``alpha``, or ``least`` if
    that is more.
    """
    columns = []
    for mine, reference in pairs:
        apart = distance(mine, reference, alpha)
        limit = max(least, apart.value - apart.proven)
        columns.append(Moved(mine.name, mine.role, apart.value, limit, *_units(mine, reference, apart.value)))
    return sorted(columns, key=lambda column: column.limit - column.shift)


def _units(mine: Column, reference: Column, shift: float) -> tuple[str, str]:
    """Returns what a column was and is now: the figure in which it has moved."""
    missing = [column.missing / column.count for column in (reference, mine)]
    if abs(missing[0] - missing[1]) >= shift > 0 or 1.0 in missing:
        return f"{missing[0]:.3g} of it missing", f"{missing[1]:.3g} of it missing"
    return _texts(mine, reference) if mine.kind == "Text" else _numbers(mine, reference)


def _numbers(mine: Column, reference: Column) -> tuple[str, str]:
    medians = [f"median {column.quantile_of([0.5])[0]:.4g}" for column in (reference, mine)]
    if medians[0] != medians[1]:
        return medians[0], medians[1]
    quartiles = [", ".join(f"{item:.4g}" for item in column.quantile_of([0.25, 0.75])) for column in (reference, mine)]
    return f"quartiles {quartiles[0]}", f"quartiles {quartiles[1]}"


def _texts(mine: Column, reference: Column) -> tuple[str, str]:
    """Returns the shares of the text whose share has changed most. Of an input only texts of the reference are named:
    others are the clients' data, which must not appear in a status."""
    was, now = _shares(reference), _shares(mine)
    known = was if mine.role == "Input" else {**was, **now}
    changes = {text: abs(now.get(text, 0.0) - was.get(text, 0.0)) for text in known}
    new = sum(share for text, share in now.items() if text not in was)
    farthest = max(sorted(changes), key=lambda text: changes[text], default=None)
    if farthest is None or (mine.role == "Input" and new > changes[farthest]):
        return "no other values", f"{min(new, 1.0):.3g} of it other values"
    name = repr(farthest[:32])
    return f"{name} {was.get(farthest, 0.0):.3g} of it", f"{name} {now.get(farthest, 0.0):.3g} of it"


def _shares(column: Column) -> dict[str, float]:
    return {item.text: item.count.value / column.count for item in column.frequent_items()}
