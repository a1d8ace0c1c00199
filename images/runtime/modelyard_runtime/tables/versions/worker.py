"""Does the slow part of some work while its next part is prepared."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Worker:
    """Does one thing after the other in a thread of its own. One is on its way at most, so that memory stays flat."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._last: Future[Any] | None = None

    def do(self, work: Callable[..., None], *given: Any) -> None:
        """Raises what the work before has raised."""
        self.wait()
        self._last = self._threads.submit(work, *given)

    def wait(self) -> None:
        """Returns once all is done. Raises what the last work has raised."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def close(self) -> None:
        """Ends the thread after its work; what that raises is lost."""
        self._threads.shutdown()
