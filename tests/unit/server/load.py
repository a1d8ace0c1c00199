"""Overloads a server by a closed loop of raw HTTP/1.1 connections on one event loop."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class Outcome:
    """The number of answers by status, the slowest of each status in seconds, and the failures of connections."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest: dict[int, float] = field(default_factory=dict)
    without_retry_after: int = 0
    failures: list[str] = field(default_factory=list)


def request(path: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def overload(port: int, data: bytes, connections: int, seconds: float) -> Outcome:
    """Sends ``data`` on each connection again as soon as it is answered, whatever the answer."""
    outcome = Outcome()
    end = time.monotonic() + seconds

    async def ask_repeatedly() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while time.monotonic() < end:
                began = time.monotonic()
                writer.write(data)
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                assert length is not None, head
                await reader.readexactly(int(length[1]))
                status = int(head.split(b" ", 2)[1])
                outcome.statuses[status] += 1
                outcome.slowest[status] = max(outcome.slowest.get(status, 0.0), time.monotonic() - began)
                if status == 503 and b"\r\nretry-after: 1\r\n" not in head:
                    outcome.without_retry_after += 1
            writer.close()
        except (OSError, asyncio.IncompleteReadError) as error:
            outcome.failures.append(repr(error))

    await asyncio.gather(*(ask_repeatedly() for _ in range(connections)))
    return outcome
