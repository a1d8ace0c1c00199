"""The share of the store that one namespace may have: a tenant can't fill the volume for all others.

Only a store of files is measured. Another kind of store has bounds of its own, such as a bucket's quota.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from modelyard_tracking.answers import Refused

MEASURED_SECONDS = 600.0
"""How long what was counted holds: people may delete files behind the server's back."""


@dataclass
class Use:
    bytes: int
    files: int
    at: float


@dataclass
class Room:
    taken: bool = False


class Shares:
    """``root`` is the folder whose folders are the namespaces'."""

    def __init__(
        self, root: Path, most_bytes: int, most_files: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root, self._most_bytes, self._most_files, self._clock = root, most_bytes, most_files, clock
        self._uses: dict[str, Use] = {}
        self._measuring = asyncio.Lock()

    def has(self, path: str) -> bool:
        """Whether there is a file at ``modelyard/<namespace>/...``."""
        return (self._root.parent / path).is_file()

    async def check(self, namespace: str, size: int) -> None:
        """Raises Refused if a file of this size is more than the namespace may have."""
        _check(namespace, await self._use(namespace), size, self._most_bytes, self._most_files)

    @asynccontextmanager
    async def room(self, namespace: str, size: int) -> AsyncIterator[Room]:
        """Holds the room of one more file, and gives it back unless it is taken. Raises Refused, as ``check`` does."""
        use, room = await self._use(namespace), Room()
        _check(namespace, use, size, self._most_bytes, self._most_files)
        use.bytes, use.files = use.bytes + size, use.files + 1
        try:
            yield room
        finally:
            if not room.taken:
                use.bytes, use.files = use.bytes - size, use.files - 1

    def forget(self, namespace: str) -> None:
        """Has the namespace measured anew: something of it was deleted."""
        self._uses.pop(namespace, None)

    async def _use(self, namespace: str) -> Use:
        async with self._measuring:
            use = self._uses.get(namespace)
            if use is None or self._clock() - use.at > MEASURED_SECONDS:
                size, files = await asyncio.to_thread(measured, self._root / namespace)
                use = self._uses[namespace] = Use(size, files, self._clock())
            return use


def measured(folder: Path) -> tuple[int, int]:
    """Returns the bytes and the number of the files in a folder and below; zeros if it doesn't exist."""
    total = files = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name), follow_symlinks=False).st_size
            except FileNotFoundError:
                continue  # it was deleted meanwhile
            files += 1
    return total, files


def _check(namespace: str, use: Use, size: int, most_bytes: int, most_files: int) -> None:
    what = f"namespace {namespace} has {use.bytes} bytes in {use.files} files"
    if use.bytes + size > most_bytes:
        raise Refused(413, f"{what}, and may have {most_bytes} bytes (--namespace-bytes of the tracking server)")
    if use.files + 1 > most_files:
        raise Refused(413, f"{what}, and may have {most_files} files (--namespace-files of the tracking server)")
