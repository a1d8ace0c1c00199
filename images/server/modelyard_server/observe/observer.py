"""Between the requests and the sketches: a buffer, emptied in slices between requests.

A request costs an append. What was appended is folded on the event loop, in slices, and each slice in steps of about
half a millisecond: in a thread it would take the interpreter's lock from the requests for longer, and a pod has one
core for both.
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
"""Values of a slice: about two milliseconds, in steps."""
MANY_ROWS = 256
"""So many waiting rows are folded at once: more make a value no cheaper."""
STEP_SECONDS = 0.001
"""Between steps. At rest, and not only between two calls of the loop: a request comes by a thread of granian's, which
gets the interpreter's lock, and with one core any time at all, only when the loop sleeps."""
LATE = 1024
"""Requests that may wait; above it more come than steps take, and they are folded without a pause."""
IDLE_SECONDS = 0.2
"""What was seen waits so long for more of it."""
MAX_BYTES = 16 * 1024 * 1024
"""What may wait. Above it, it is folded before the next request is answered."""


class Observer:
    """One model's. All but the Sketches it returns belong to the event loop's thread."""

    def __init__(self, model: str, version: str, manifest: Manifest, clock: Callable[[], float] = time.time) -> None:
        self.manifest = manifest
        self.windows = Windows(model, version, manifest, clock)
        self._row_bytes = 4 * self.windows.live.width
        self._slice = max(1, SLICE_VALUES // self.windows.live.width)
        self._many = min(MANY_ROWS, max(1, self._slice * 7 // 8))  # a few more come until it is folded
        self._waiting: deque[tuple[Seen, int]] = deque()
        """With its bytes."""
        self._rows = self._bytes = 0
        self._folding: Iterator[None] | None = None
        """The steps that are left of a slice, of ``_folded`` rows."""
        self._folded = 0
        self._timer: asyncio.Handle | None = None
        self._soon = False
        self.failed = 0
        """Rows that some sketch, or the sample of answers, may lack because of a failure."""

    def add(self, request: Inference, arrays: list[NDArray[Any]], size: int) -> None:
        """Notes a prediction; ``size`` is that of the request's body in bytes. Neither the request's arrays nor
        ``arrays`` may be changed afterwards."""
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
            self._again()

    def flush(self) -> None:
        """Folds all that waits: afterwards the counts are those of the answers."""
        while self._waiting:
            self._fold()
        self._finish()

    def between(self, start: float, end: float) -> list[Sketches]:
        """The windows that begin from ``start`` to before ``end`` (Unix seconds), to be merged; see ``Windows``."""
        self.flush()
        return self.windows.between(start, end)

    def whole(self) -> list[Sketches]:
        """All since the model was loaded, to be merged."""
        self.flush()
        return self.windows.whole()

    def _again(self) -> None:
        """Sees to it that what waits is folded: a whole slice, and the rest of one, soon, less of it a little later."""
        if self._folding is not None or self._rows >= self._many:
            if not self._soon:
                self._soon = True
                asyncio.get_running_loop().call_later(STEP_SECONDS, self._now)
        elif self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._idle)

    def _now(self) -> None:
        self._soon = False
        if self._folding is not None:
            self._step()
        elif self._waiting:
            self._fold()
        while len(self._waiting) > LATE:
            self._fold()
        self._again()

    def _idle(self) -> None:
        self._timer = None
        if not self._soon and self._waiting:
            self._fold()
            self._again()

    def _fold(self) -> None:
        """Takes one slice, whole requests or the first rows of a large one, and folds its first step."""
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
        del batch  # held by the steps alone
        self._step()

    def _step(self) -> None:
        assert self._folding is not None
        try:
            next(self._folding)
        except StopIteration:
            self._folding = None
        except Exception:
            self._folding = None
            self._tell(self._folded)

    def _finish(self) -> None:
        while self._folding is not None:
            self._step()

    def _sampled(self, request: Inference, arrays: list[NDArray[Any]]) -> Inference:
        """One that will be split: it is sampled as a whole, and only once."""
        self._finish()
        self.windows.roll()
        try:
            self.windows.sample.fold([(request, arrays)])
        except Exception:
            self._tell(request.rows)
        return replace(request, id="")

    def _tell(self, rows: int) -> None:
        """Of the exception in flight: who observes must not fail what is observed."""
        if not self.failed:
            say(f"a prediction could not be observed; the next failures are only counted\n{traceback.format_exc()}")
        self.failed += rows


def split(request: Inference, arrays: list[NDArray[Any]], rows: int) -> tuple[Seen, Seen]:
    """The first ``rows`` rows, and the others; views, nothing is copied."""

    def part(rows: slice, number: int) -> Seen:
        columns = request.columns
        made = Inference(
            request.id,
            number,
            request.outputs,
            None if columns is None else {name: column[rows] for name, column in columns.items()},
            None if request.matrix is None else request.matrix[rows],
        )
        return made, [array[rows] for array in arrays]

    return part(slice(0, rows), rows), part(slice(rows, None), request.rows - rows)
