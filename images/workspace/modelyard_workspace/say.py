"""Writes to the log."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    print(f"modelyard-workspace: {text}", file=sys.stderr, flush=True)
