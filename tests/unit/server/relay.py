"""Emulates a Service: passes each new connection on to one port, where it stays."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def service(target: int) -> Iterator[tuple[int, list[int]]]:
    """Yields a port and a list of targets; a new connection to the port goes to the last target, and stays there."""
    targets = [target]
    loop = asyncio.new_event_loop()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", targets[-1])
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        except ConnectionError:
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(relay, "127.0.0.1"))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], targets
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
        server.close()
        loop.close()
