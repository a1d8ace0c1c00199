"""Reports progress on standard output: one line per step, with the seconds since the start."""

from __future__ import annotations

import time

_BEGIN = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - _BEGIN:7.2f} s  {text}", flush=True)
