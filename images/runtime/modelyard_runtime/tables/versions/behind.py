"""Makes a version while the next rows are read: most of the time of both is spent in libraries that let others run."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from modelyard_runtime.tables.versions.chunk import Chunk
from modelyard_runtime.tables.versions.version import NewVersion


class Behind:
    """Gives rows to a version in their order, in a thread of its own. One batch is on its way at most."""

    def __init__(self, version: NewVersion) -> None:
        self._version = version
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="version")
        self._last: Future[None] | None = None

    def add(self, chunk: Chunk) -> None:
        """Raises what the rows before have raised."""
        self._wait()
        self._last = self._threads.submit(self._version.add, chunk)

    def end(self) -> NewVersion:
        """Returns the version once it has all rows. Raises what the last ones have raised."""
        self._wait()
        self._threads.shutdown()
        return self._version

    def give_up(self) -> None:
        """Deletes what there is of the version."""
        self._threads.shutdown()
        self._version.close()

    def _wait(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()
