"""Ends a query that runs for too long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from modelyard_runtime.pod.errors import UserError


class Patience:
    """``ended`` says that the time was over, so that an error that follows from the end isn't taken for another."""

    def __init__(self) -> None:
        self.ended = False


@contextmanager
def patience(seconds: float, cancel: Callable[[], object]) -> Iterator[Patience]:
    """Calls ``cancel``, from another thread, if the block lasts for longer than these seconds, and once more every
    second until it ends: a query may begin only after the first call."""
    state, done = Patience(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            state.ended, wait = True, 1.0
            with suppress(Exception):  # of any driver: the connection may just have ended
                cancel()

    threading.Thread(target=watch, name="patience", daemon=True).start()
    try:
        yield state
    finally:
        done.set()


def too_long(seconds: float, field: str) -> UserError:
    message = f"the query did not end within {seconds:.0f} s; make it cheaper, or raise timeout"
    return UserError("QueryTooLong", message, field)
