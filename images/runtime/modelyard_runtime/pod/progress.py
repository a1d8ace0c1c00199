"""Tells how far the reading of a table is, in small documents beside the result, which the operator reads."""

from __future__ import annotations

import time

from modelyard_api.fields.artifact import progress_uri
from modelyard_api.wire.result import Reading
from modelyard_api.wire.task import Common
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import Unavailable, Web

INTERVAL, QUIET = 10.0, 60.0
"""Seconds between two documents, and after one that could not be written."""
_MIB = 1 << 20


class Progress:
    """``size`` is the number of bytes of the source, 0 if it is not known. Nothing waits for a store that is away."""

    def __init__(self, store: ArtifactStore, folder: str, size: int) -> None:
        self._store, self._folder, self._size = store, folder, size
        self._passes, self._next = 1, time.monotonic() + INTERVAL

    @classmethod
    def of(cls, task: Common, size: int) -> Progress:
        store = ArtifactStore(Web(task.tracking_url, patience=1.0))
        return cls(store, progress_uri(task.result_uri), size)

    def again(self) -> None:
        """Says that all is read once more."""
        self._passes = 2

    def at(self, rows: int, done: int) -> None:
        """Tells of ``rows`` and ``done`` bytes that were read, at most every ten seconds."""
        now = time.monotonic()
        if now < self._next:
            return
        reading = Reading(rows=rows, bytes=done, size=max(self._size, done), passes=self._passes)
        say(f"{rows} rows, {done // _MIB} of {self._size // _MIB} MiB")
        self._next = now + INTERVAL
        try:
            self._store.put_json_first(f"{self._folder}/{time.time_ns() // 1_000_000}.json", reading.wire())
        except Unavailable as error:
            say(f"the progress can't be told: {error}")
            self._next = now + QUIET
