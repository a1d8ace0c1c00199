"""The different texts of a column, as many of them as a limit allows."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard_runtime.tables.types.places import Place

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
        self.seen = self.total = self.cut = 0
        self.is_full = False

    def add(self, items: Iterable[tuple[str, int, Place]]) -> None:
        for text, count, place in items:
            self.total += count
            if self.is_full:
                continue
            if len(text) > LONGEST:
                self.cut += 1
                text = text[:LONGEST] + "…" + str(hash(text))
            if text not in self.counts:
                if len(self.counts) >= self._limit:
                    self.is_full = True
                    continue
                self.counts[text], self.places[text] = 0, place
            self.counts[text] += count
            self.seen += count

    @property
    def share(self) -> float:
        """The share of different texts among those that were looked at; 0 if there are none."""
        return len(self.counts) / self.seen if self.seen else 0.0
