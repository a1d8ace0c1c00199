"""The different texts of a column, as many of them as a limit allows."""

from __future__ import annotations

from modelyard_runtime.tables.types.places import Distinct, Place

LONGEST = 128
"""Characters of a text that are kept."""


class Words:
    """``counts`` has how often each text was met, ``places`` where first, as long as there is room for new ones.

    ``seen`` counts the texts up to then, ``total`` all.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.counts: dict[str, int] = {}
        self.places: dict[str, Place] = {}
        self.seen = self.total = 0
        self.is_full = False

    def add(self, found: Distinct) -> None:
        self.total += int(found.counts.sum())
        if self.is_full:
            return
        counts = self.counts
        for text, count, row in zip(found.texts.to_pylist(), found.counts.tolist(), found.rows.tolist(), strict=True):
            if text in counts:
                counts[text] += count
                self.seen += count
                continue
            known = text if len(text) <= LONGEST else f"{text[:LONGEST]}…{hash(text)}"
            if known not in self.counts:
                if len(self.counts) >= self._limit:
                    self.is_full = True
                    return
                self.counts[known], self.places[known] = 0, Place(row, found.file)
            self.counts[known] += count
            self.seen += count

    @property
    def share(self) -> float:
        """The share of different texts among those that were looked at; 0 if there are none."""
        return len(self.counts) / self.seen if self.seen else 0.0
