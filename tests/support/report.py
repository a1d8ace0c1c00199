"""Shows a person the progress of a long measurement or trial, and its figures at the end."""

from __future__ import annotations

import sys
import time
from typing import Any

_WIDTH = 30


class Progress:
    """A bar that is drawn in place on a terminal, and as a line every five seconds elsewhere."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0
        self._began = self._drawn = time.monotonic()

    def step(self) -> None:
        self.at(self.done + 1)

    def at(self, done: int) -> None:
        self.done, now = done, time.monotonic()
        if now - self._drawn >= (0.2 if sys.stderr.isatty() else 5):
            self._drawn = now
            self._draw("\r" if sys.stderr.isatty() else "\n")

    def end(self) -> None:
        self._draw("\n")

    def _draw(self, end: str) -> None:
        filled = _WIDTH * self.done // max(self.total, 1)
        bar = "#" * filled + "." * (_WIDTH - filled)
        seconds = time.monotonic() - self._began
        print(f"{self.what:20} [{bar}] {self.done}/{self.total}  {seconds:.0f} s", end=end, file=sys.stderr, flush=True)


def show(figures: dict[str, Any], indent: str = "") -> None:
    """Prints all figures, one per line."""
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            show(value, indent + "  ")
        else:
            print(f"{indent}{name:{40 - len(indent)}} {value}")
