"""Makes a version while the next rows are read: most of the time of both is spent in libraries that let others run."""

from __future__ import annotations

from modelyard_runtime.tables.versions.chunk import Chunk
from modelyard_runtime.tables.versions.version import NewVersion
from modelyard_runtime.tables.versions.worker import Worker


class Behind:
    """Gives rows to a version in their order, in a thread of its own."""

    def __init__(self, version: NewVersion) -> None:
        self._version, self._worker = version, Worker("version")

    def add(self, chunk: Chunk) -> None:
        """Raises what the rows before have raised."""
        self._worker.do(self._version.add, chunk)

    def end(self) -> NewVersion:
        """Returns the version once it has all rows. Raises what the last ones have raised."""
        self._worker.wait()
        self._worker.close()
        return self._version

    def give_up(self) -> None:
        """Deletes what there is of the version."""
        self._worker.close()
        self._version.close()
