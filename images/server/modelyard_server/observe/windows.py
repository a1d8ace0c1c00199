"""The sketches of a model by time window, and since it was loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from modelyard_api.wire.sketches import Column, Sketches, merge
from modelyard_server.kept import SECONDS, Kept
from modelyard_server.manifest import Manifest
from modelyard_server.observe.columns import Columns, Seen
from modelyard_server.observe.sample import Sample


class Windows:
    """Not thread-safe: only the event loop may call it. The Sketches it returns never change."""

    def __init__(self, model: str, version: str, manifest: Manifest, clock: Callable[[], float]) -> None:
        self._name, self._version, self._manifest, self._clock = model, version, manifest, clock
        self._kept: Kept[Sketches] = Kept(lambda early, late: merge((early, late)), _size)
        self._open = self._window()
        self.live, self.sample = Columns(manifest), Sample(manifest)

    def fold(self, batch: Sequence[Seen]) -> Iterator[None]:
        """Folds requests into the open window, in steps; no other method may be called before the last step."""
        self.roll()
        yield from self.live.fold(batch)
        self.sample.fold(batch)
        yield  # freeing the requests, which follows, costs as much as a step

    def roll(self) -> None:
        """Closes the open window if its time is over."""
        now = self._window()
        if now == self._open:
            return
        if self.live.predictions:
            self._kept.add(self._open, self._frozen())
            self.live, self.sample = Columns(self._manifest), Sample(self._manifest)
        self._open = now
        self._kept.age(now)

    def between(self, start: float, end: float) -> list[Sketches]:
        """Returns the non-empty windows that begin in ``start`` <= t < ``end`` (Unix seconds), oldest first; the open
        window may be among them."""
        self.roll()
        windows = [sketches for _, _, sketches in self._kept.between(start, end)]
        if start <= self._open < end and self.live.predictions:
            windows.append(self._frozen())
        return windows

    def whole(self) -> list[Sketches]:
        """Returns everything since the model was loaded, in parts to be merged."""
        self.roll()
        return [*self._kept.whole(), self._frozen()]

    def _window(self) -> float:
        return self._clock() // SECONDS * SECONDS

    def _frozen(self) -> Sketches:
        live, start = self.live, self._open
        end = min(self._clock(), start + SECONDS)
        return Sketches(
            self._name,
            self._version,
            self._manifest.digest,
            start,
            end,
            live.predictions,
            live.freeze(),
            answers=self.sample.freeze(),
        )


def _size(sketches: Sketches) -> int:
    answers = len(sketches.answers.entries) if sketches.answers is not None else 0
    return answers + sum(len(data) for column in sketches.columns for data in _data(column))


def _data(column: Column) -> list[bytes]:
    return [data for data in (column.quantiles, column.frequent, column.distinct) if data is not None]
