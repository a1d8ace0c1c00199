"""Waiting, where a test has an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def until(what: str, check: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """The first true answer of ``check``; fails with ``what`` was awaited."""
    ends = time.monotonic() + seconds
    while True:
        found = await check()
        if found:
            return found
        assert time.monotonic() < ends, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.1)
