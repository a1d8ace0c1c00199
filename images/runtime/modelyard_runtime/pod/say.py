"""Reports progress on standard output: one line per step, with the seconds since the start."""

from __future__ import annotations

import sys
import time
import traceback

from modelyard_api.wire.redact import redacted

_BEGIN = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - _BEGIN:7.2f} s  {text}", flush=True)


def trace() -> None:
    """Reports the error that is being handled, with where it comes from, on standard error."""
    print(redacted(traceback.format_exc()), file=sys.stderr, end="", flush=True)
