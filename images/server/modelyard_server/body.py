"""Reads the body of a request within bounds: its bytes, the bytes of all bodies in flight, and the time to arrive."""

from __future__ import annotations

import asyncio
from typing import Any

from granian.rsgi import HTTPProtocol

from modelyard_server.limiter import Limiter
from modelyard_server.tensors import BadRequest


async def read_body(limiter: Limiter, headers: Any, proto: HTTPProtocol, most: int) -> bytes:
    """Returns the body; the caller must release its bytes from the limiter.

    Raises BadRequest if the body is larger than ``most`` bytes (reading stops there, whatever length the client
    announced) or arrives too slowly.
    """
    encoding = headers.get("content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise BadRequest(f"Content-Encoding {encoding[:64]!r} is not supported: send the body as it is", 415)
    length, held = headers.get("content-length"), 0
    state = limiter.start()
    try:
        if length is not None and int(length) <= most:
            limiter.hold(int(length))
            held = int(length)
            state[1] = held  # count the body as received: ``await proto()`` doesn't show chunks
            data = await proto()
            limiter.release(held - len(data))
            held = 0
            return data
        if length is None:
            body = bytearray()
            async for chunk in proto:
                limiter.hold(len(chunk))
                held += len(chunk)
                body += chunk
                state[1] = len(body)
                if len(body) > most:
                    break
            else:
                held = 0
                return bytes(body)
        raise BadRequest(f"the body is larger than {most} bytes: send fewer rows in a request", 413)
    except asyncio.CancelledError:
        if limiter.overdue():
            raise BadRequest("the body came too slowly: the server does not wait for the rest", 408) from None
        raise
    finally:
        limiter.end()
        limiter.release(held)
