"""From a request's bytes to its answer, whatever protocol brought them.

Small requests are answered on the event loop, which is quickest; large ones in a pool of threads, so that health
checks and small requests don't wait for them.
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
"""Large requests answered at once: each may need ten times its body in memory."""

_A = TypeVar("_A")
_D = TypeVar("_D")
Parse = Callable[[_D, Manifest, str | None], Inference]
"""Of what came, the model's manifest, and the request's header x-request-id."""
Encode = Callable[[str, str, Inference, list[NDArray[Any]]], _A]
"""Of the model's name, its version, the request and its answers."""


class Engine:
    """``started`` once the models are loaded and checked; ``draining`` from the signal to end on."""

    def __init__(self, models: Models, limiter: Limiter, payloads: PayloadLog | None = None) -> None:
        self._models, self.limiter, self.payloads = models, limiter, payloads
        self._pool = ThreadPoolExecutor(LARGE_AT_ONCE, thread_name_prefix="large")
        self.started = self.draining = False
        self.changed = asyncio.Event()
        """Set when one of them changes; there is a new one then."""

    @property
    def ready(self) -> bool:
        return self.started and not self.draining

    def start(self) -> None:
        self.started = True
        self._tell()

    def drain(self) -> None:
        """Not ready any more; requests are still answered."""
        self.draining = True
        self._tell()

    def _tell(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    async def answer(
        self, slot: Slot, data: _D, size: int, named: str | None, parse: Parse[_D], encode: Encode[_A]
    ) -> tuple[int, _A]:
        """The number of rows, and the encoded answer, to a request of ``size`` bytes. Raises BadRequest."""
        model = slot.model or await self._models.loaded(slot)
        if size > INLINE_BYTES:
            loop, now = asyncio.get_running_loop(), time.perf_counter()
            request, arrays, answer = await loop.run_in_executor(
                self._pool, _whole, slot, model, data, named, parse, encode, now
            )
        else:
            request = parse(data, model.manifest, named)
            if max(model.seconds_a_call, request.rows * model.seconds_a_row) > INLINE_SECONDS:
                loop, now = asyncio.get_running_loop(), time.perf_counter()
                arrays = await loop.run_in_executor(self._pool, _predict, model, request, now)
            else:
                arrays = model.predict(request)
            answer = encode(slot.name, slot.version, request, arrays)
        observer = slot.observer
        if observer is not None and observer.manifest is model.manifest:  # else it was loaded anew meanwhile
            observer.add(request, arrays, size)
        if self.payloads is not None:
            self.payloads.add(slot.name, slot.version, model.manifest, request, arrays, size)
        return request.rows, answer


def _predict(model: Model, request: Inference, since: float) -> list[NDArray[Any]]:
    check_waited(since)
    return model.predict(request)


def _whole(
    slot: Slot, model: Model, data: _D, named: str | None, parse: Parse[_D], encode: Encode[_A], since: float
) -> tuple[Inference, list[NDArray[Any]], _A]:
    check_waited(since)
    request = parse(data, model.manifest, named)
    arrays = model.predict(request)
    return request, arrays, encode(slot.name, slot.version, request, arrays)


def unexpected() -> str:
    """Logs the exception in flight under an id; returns what the client is told: only the id."""
    identity = uuid.uuid4().hex
    say(f"request {identity} failed\n{traceback.format_exc()}")
    return f"internal error; the server's log has it as request {identity}"
