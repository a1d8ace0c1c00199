"""The buffer between the requests and the sketches, emptied in slices between requests.

A request costs one append. The event loop folds the buffer into the sketches in slices, and each slice in steps of
about half a millisecond. A thread would hold the interpreter's lock for longer, and a pod has one core for both.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from modelyard_api.wire.sketches import Sketches
from modelyard_server.manifest import Manifest
from modelyard_server.observe.columns import Seen
from modelyard_server.observe.windows import Windows
from modelyard_server.protocol import Inference
from modelyard_server.say import say

SLICE_VALUES = 16_384
"""Values in one slice, which takes about two milliseconds, in steps."""
MANY_ROWS = 256
"""Waiting rows at which a slice is folded: more rows would not make a value cheaper."""
STEP_SECONDS = 0.001
"""Pause between steps. The loop must sleep, not only run other callbacks: requests come from a thread of granian's,
which gets the interpreter's lock (and, with one core, any CPU time) only while the loop sleeps."""
LATE = 1024
"""Requests that may wait. More means that requests come faster than steps fold them: then fold without a pause."""
IDLE_SECONDS = 0.2
"""How long a few waiting requests wait for more before they are folded."""
MAX_BYTES = 16 * 1024 * 1024
"""Most bytes that may wait. Above that they are folded before the next request is answered."""


class Observer:
    """Observes one model. Only the event loop's thread may use it; the Sketches it returns are free to share."""

    def __init__(self, model: str, version: str, manifest: Manifest, clock: Callable[[], float] = time.time) -> None:
        self.manifest = manifest
        self.windows = Windows(model, version, manifest, clock)
        self._row_bytes = 4 * self.windows.live.width
        self._slice = max(1, SLICE_VALUES // self.windows.live.width)
        self._many = min(MANY_ROWS, max(1, self._slice * 7 // 8))  # a few more rows come before it is folded
        self._waiting: deque[tuple[Seen, int]] = deque()
        """(the prediction, its bytes) of each waiting request."""
        self._rows = self._bytes = 0
        self._folding: Iterator[None] | None = None
        """``_folding`` yields the remaining steps of a slice of ``_folded`` rows."""
        self._folded = 0
        self._timer: asyncio.Handle | None = None
        self._soon = False
        self.failed = 0
        """``failed`` counts rows that a sketch or the sample of answers may lack because of an exception."""

    def add(self, request: Inference, arrays: list[NDArray[Any]], size: int) -> None:
        """Adds a prediction to the buffer; ``size`` is the bytes of the request's body. The arrays of the request and
        ``arrays`` must not change afterwards."""
        rows = request.rows
        if rows > self._slice:
            request = self._sampled(request, arrays)
        size += self._row_bytes * rows
        self._waiting.append(((request, arrays), size))
        self._rows += rows
        self._bytes += size
        while self._bytes > MAX_BYTES and self._waiting:
            self._fold()
            self._finish()
        if self._rows >= self._many or self._timer is None:
            self._schedule()

    def flush(self) -> None:
        """Folds the whole buffer, so that the sketches count every answer."""
        while self._waiting:
            self._fold()
        self._finish()

    def between(self, start: float, end: float) -> list[Sketches]:
        """Returns the windows that begin in ``start`` <= t < ``end`` (Unix seconds), to be merged; see ``Windows``."""
        self.flush()
        return self.windows.between(start, end)

    def whole(self) -> list[Sketches]:
        """Returns everything since the model was loaded, to be merged."""
        self.flush()
        return self.windows.whole()

    def _schedule(self) -> None:
        """Schedules the next fold: soon for a full slice or the rest of one, else after IDLE_SECONDS."""
        if self._folding is not None or self._rows >= self._many:
            if not self._soon:
                self._soon = True
                asyncio.get_running_loop().call_later(STEP_SECONDS, self._wake)
        elif self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._idle)

    def _wake(self) -> None:
        self._soon = False
        if self._folding is not None:
            self._step()
        elif self._waiting:
            self._fold()
        while len(self._waiting) > LATE:
            self._fold()
        self._schedule()

    def _idle(self) -> None:
        self._timer = None
        if not self._soon and self._waiting:
            self._fold()
            self._schedule()

    def _fold(self) -> None:
        """Takes one slice (whole requests, or the first rows of a large one) and folds its first step."""
        self._finish()
        waiting = self._waiting
        if self._rows <= self._slice:  # nearly always
            batch = [seen for seen, _ in waiting]
            waiting.clear()
            self._rows = self._bytes = 0
        else:
            batch, room = [], self._slice
            while waiting and room > 0:
                seen, size = waiting[0]
                rows = seen[0].rows
                if rows > room:
                    if batch:
                        break
                    seen, rest = split(*seen, room)
                    part = size * room // rows
                    waiting[0] = (rest, size - part)
                    rows, size = room, part
                else:
                    waiting.popleft()
                batch.append(seen)
                room -= rows
                self._rows -= rows
                self._bytes -= size
        self._folded = sum(request.rows for request, _ in batch)
        self._folding = self.windows.fold(batch)
        del batch  # only the steps hold it, so its memory is freed with them
        self._step()

    def _step(self) -> None:
        assert self._folding is not None
        try:
            next(self._folding)
        except StopIteration:
            self._folding = None
        except Exception:
            self._folding = None
            self._note_failure(self._folded)

    def _finish(self) -> None:
        while self._folding is not None:
            self._step()

    def _sampled(self, request: Inference, arrays: list[NDArray[Any]]) -> Inference:
        """Samples a request that will be split: once, as a whole. Returns it without its id, so that its parts are not
        sampled."""
        self._finish()
        self.windows.roll()
        try:
            self.windows.sample.fold([(request, arrays)])
        except Exception:
            self._note_failure(request.rows)
        return replace(request, id="")

    def _note_failure(self, rows: int) -> None:
        """Counts and logs the exception being handled: an error in observing must not fail the request."""
        if not self.failed:
            say(f"a prediction could not be observed; the next failures are only counted\n{traceback.format_exc()}")
        self.failed += rows


def split(request: Inference, arrays: list[NDArray[Any]], rows: int) -> tuple[Seen, Seen]:
    """Returns the first ``rows`` rows and the other rows, as views: nothing is copied."""

    def part(rows: slice, number: int) -> Seen:
        columns = request.columns
        piece = Inference(
            request.id,
            number,
            request.outputs,
            None if columns is None else {name: column[rows] for name, column in columns.items()},
            None if request.matrix is None else request.matrix[rows],
            given=None if request.given is None else {name: column[rows] for name, column in request.given.items()},
        )
        return piece, [array[rows] for array in arrays]

    return part(slice(0, rows), rows), part(slice(rows, None), request.rows - rows)
