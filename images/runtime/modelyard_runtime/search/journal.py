"""The journal of a sweep: what happened to its trials, kept in the artifact store, where it outlives every pod.

The store can't append, so each write is a part of its own: ``<start>-<token>-<number>.json``. ``start`` counts the
coordinators, and the token is the coordinator's own: one that is cut off, but still runs beside its successor, can't
overwrite what that one writes.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

from modelyard_api.wire.result import SweepResult
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.search.trials import Entry


class Journal:
    """``summary`` returns how far the search is; it is in every part, for those who look on."""

    def __init__(self, store: ArtifactStore, folder: str, summary: Callable[[], SweepResult]) -> None:
        self._store, self._folder, self._summary = store, folder, summary
        self._names = store.names(folder)
        self._start = max((int(name.split("-")[0]) for name in self._names), default=0) + 1
        self._token, self._number = secrets.token_hex(4), 0
        self._pending: list[Entry] = []
        self._noting, self._writing = threading.Lock(), threading.Lock()

    def entries(self) -> Iterator[Entry]:
        """Yields what earlier coordinators have written. A part that can't be read was never answered for."""
        for name in self._names:
            data = self._store.read(f"{self._folder}/{name}")
            try:
                part: dict[str, Any] = json.loads(data)
                yield from part["entries"]
            except (ValueError, KeyError, TypeError):
                say(f"the journal's part {name} was not written to its end, and is left out")

    def note(self, entries: list[Entry]) -> None:
        """Notes entries in their order, to be written by the next ``flush``."""
        with self._noting:
            self._pending += entries

    def flush(self) -> None:
        """Returns once all that was noted before is in the store. Whoever comes first writes for all who wait. Raises
        Unavailable."""
        with self._writing:
            with self._noting:
                batch, self._pending = self._pending, []
            if not batch:
                return
            self._number += 1
            name = f"{self._start:04}-{self._token}-{self._number:06}.json"
            self._store.put_json(f"{self._folder}/{name}", {"entries": batch, "summary": self._summary().wire()})
