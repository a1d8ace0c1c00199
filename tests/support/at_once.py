"""Runs pieces of work concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def at_once(count: int, workers: int, work: Callable[[int], Awaitable[object]]) -> None:
    """Runs ``work(0)`` to ``work(count - 1)``, ``workers`` at a time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(workers):
            tasks.create_task(worker())
