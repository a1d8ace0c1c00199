"""Waits for a condition in tests with an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def until(what: str, check: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """Returns the first true answer of ``check``. Raises AssertionError with ``what`` was awaited."""
    ends = time.monotonic() + seconds
    while True:
        answer = await check()
        if answer:
            return answer
        assert time.monotonic() < ends, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.1)
