"""Turns a request's bytes into its answer, for REST and gRPC alike.

Small requests are answered on the event loop, which is fastest; large ones in a pool of threads, so that health checks
and small requests don't wait for them.
"""

from __future__ import annotations

import asyncio
import time
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from numpy.typing import NDArray

from modelyard_server.limiter import Limiter, check_waited
from modelyard_server.manifest import Manifest
from modelyard_server.model import Model
from modelyard_server.models import Models, Slot
from modelyard_server.observe.payload import PayloadLog
from modelyard_server.protocol import Inference
from modelyard_server.say import say

INLINE_BYTES = 64 * 1024
"""Requests up to this size are parsed on the event loop: about a millisecond."""
INLINE_SECONDS = 0.005
"""Predictions expected to take longer than this leave the event loop."""
LARGE_AT_ONCE = 2
"""Most large requests answered at the same time: each may need ten times its body in memory."""

_A = TypeVar("_A")
_D = TypeVar("_D")
Parse = Callable[[_D, Manifest, str | None], Inference]
"""Turns (body or message, the model's manifest, the request's header x-request-id) into a request."""
Encode = Callable[[str, str, Inference, list[NDArray[Any]]], _A]
"""Turns (the model's name, its version, the request, its output arrays) into the encoded answer."""


class Engine:
    """``started`` is true once the models are loaded and checked; ``draining`` is true after the signal to stop."""

    def __init__(self, models: Models, limiter: Limiter, payloads: PayloadLog | None = None) -> None:
        self._models, self.limiter, self.payloads = models, limiter, payloads
        self._pool = ThreadPoolExecutor(LARGE_AT_ONCE, thread_name_prefix="large")
        self.started = self.draining = False
        self.changed = asyncio.Event()
        """``changed`` is set when ``started`` or ``draining`` changes, and is then replaced by a new event."""

    @property
    def ready(self) -> bool:
        return self.started and not self.draining

    def start(self) -> None:
        self.started = True
        self._notify()

    def drain(self) -> None:
        """Reports not ready from now on; requests are still answered."""
        self.draining = True
        self._notify()

    def _notify(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    async def answer(
        self, slot: Slot, data: _D, size: int, header_id: str | None, parse: Parse[_D], encode: Encode[_A]
    ) -> tuple[int, _A]:
        """Returns the number of rows and the encoded answer of a request of ``size`` bytes. Raises BadRequest."""
        model = slot.model or await self._models.loaded(slot)
        if size > INLINE_BYTES:
            loop, now = asyncio.get_running_loop(), time.perf_counter()
            request, arrays, answer = await loop.run_in_executor(
                self._pool, _answer, slot, model, data, header_id, parse, encode, now
            )
        else:
            request = parse(data, model.manifest, header_id)
            if max(model.seconds_a_call, request.rows * model.seconds_a_row) > INLINE_SECONDS:
                loop, now = asyncio.get_running_loop(), time.perf_counter()
                arrays = await loop.run_in_executor(self._pool, _predict, model, request, now)
            else:
                arrays = model.predict(request)
            answer = encode(slot.name, slot.version, request, arrays)
        observer = slot.observer
        if observer is not None and observer.manifest is model.manifest:  # else the model was reloaded meanwhile
            observer.add(request, arrays, size)
        if self.payloads is not None:
            self.payloads.add(slot.name, slot.version, model.manifest, request, arrays, size)
        return request.rows, answer


def _predict(model: Model, request: Inference, since: float) -> list[NDArray[Any]]:
    check_waited(since)
    return model.predict(request)


def _answer(
    slot: Slot, model: Model, data: _D, header_id: str | None, parse: Parse[_D], encode: Encode[_A], since: float
) -> tuple[Inference, list[NDArray[Any]], _A]:
    check_waited(since)
    request = parse(data, model.manifest, header_id)
    arrays = model.predict(request)
    return request, arrays, encode(slot.name, slot.version, request, arrays)


def unexpected() -> str:
    """Logs the exception being handled under an id; returns the message for the client, which has only that id."""
    identity = uuid.uuid4().hex
    say(f"request {identity} failed\n{traceback.format_exc()}")
    return f"internal error; the server's log has it as request {identity}"
