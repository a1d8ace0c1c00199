"""Uploads of pods: a file appears whole or not at all, and once."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from modelyard_tracking.answers import NO_SPACE, Refused
from modelyard_tracking.once import publish
from modelyard_tracking.shares import Room, Shares

PIECE = 1024 * 1024
"""Bytes that are collected before they are written."""
FULL = (errno.ENOSPC, errno.EDQUOT)


class Gone(Exception):
    """The client has closed the connection before its request was whole."""


async def pieces(receive: Callable[[], Awaitable[Any]]) -> AsyncIterator[tuple[bytes, bool]]:
    """Yields the pieces of a request's body, each with whether more come. Raises Gone."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        more = message.get("more_body", False)
        yield message.get("body", b""), more


class Uploads:
    """``folder`` must be on the volume of the artifacts if they lie in files, and belongs to this process alone.

    ``repository`` returns MLflow's repository of the artifacts. Without ``shares`` no namespace has a bound.
    """

    def __init__(self, folder: Path, repository: Callable[[], Any], largest: int, shares: Shares | None = None) -> None:
        self._folder, self._repository, self._largest, self._shares = folder, repository, largest, shares
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # What a crash has left of uploads.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    async def put(self, path: str, receive: Callable[[], Awaitable[Any]], replace: bool, length: int | None) -> None:
        """Writes a request's body to ``path``. Raises Refused or Gone; then nothing was written."""
        self._bound(length or 0)
        # A result is how a pod says that there is no room, and a task has one. What is there takes no more room.
        shares = None if replace or (self._shares and self._shares.has(path)) else self._shares
        namespace = path.split("/")[1]
        if shares:
            await shares.check(namespace, length or 0)
        try:
            async with self._received(path.rpartition("/")[2], receive) as file:
                holding = shares.room(namespace, file.stat().st_size) if shares else nullcontext(Room())
                writing = self._writing.setdefault(path, asyncio.Lock())
                async with holding as room, writing:
                    room.taken = await asyncio.to_thread(publish, self._repository(), path, file, replace)
        except OSError as error:
            if error.errno in FULL:
                raise Refused(507, NO_SPACE) from error
            raise

    def deleted(self, path: str) -> None:
        """Is told of what is deleted, which makes room."""
        if self._shares:
            self._shares.forget(path.split("/")[1])

    @asynccontextmanager
    async def _received(self, name: str, receive: Callable[[], Awaitable[Any]]) -> AsyncIterator[Path]:
        """Yields a file with the body, which is durable and is deleted afterwards."""
        folder = self._folder / uuid.uuid4().hex
        folder.mkdir()
        try:
            with (folder / name).open("wb", buffering=0) as file:
                await self._write(file.fileno(), receive)
                await asyncio.to_thread(os.fsync, file.fileno())
            yield folder / name
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, True))

    async def _write(self, file: int, receive: Callable[[], Awaitable[Any]]) -> None:
        pending, total = bytearray(), 0
        async for piece, more in pieces(receive):
            pending += piece
            if len(pending) >= PIECE or not more:
                total += len(pending)
                self._bound(total)
                await asyncio.to_thread(_write_all, file, bytes(pending))
                pending.clear()

    def _bound(self, size: int) -> None:
        if size > self._largest:
            raise Refused(413, f"a file has at most {self._largest} bytes (--file-bytes of the tracking server)")


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
