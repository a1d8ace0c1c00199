"""Answers the calls of GRPCInferenceService."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from modelyard_api.wire.request_counts import CLIENT_GONE
from modelyard_server import rest
from modelyard_server.engine import Engine, unexpected
from modelyard_server.models import Models, Slot
from modelyard_server.protocol import ID_HEADER
from modelyard_server.rpc import convert
from modelyard_server.rpc.messages import MESSAGES, ModelInferRequest
from modelyard_server.tensors import BadRequest

SERVICE = "inference.GRPCInferenceService"
MAX_DETAILS = 4096
"""Most bytes of an error's message, percent-encoded for the header: clients may drop headers of 8 KiB and more."""
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""HTTP status code -> gRPC status code."""
Context = Any
Answer = Callable[[Any], Awaitable[dict[str, Any]]]


class Service:
    """Answers the calls. ``called`` is when the last inference began (``time.perf_counter``)."""

    def __init__(self, engine: Engine, models: Models) -> None:
        self._engine, self._models = engine, models
        self.called = -math.inf

    def handlers(self) -> dict[str, Any]:
        """Returns method -> its handler. A handler parses the bytes itself, to answer an unreadable message."""
        calls: dict[str, Answer] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server,
            "ModelMetadata": self._metadata,
            "RepositoryIndex": self._index,
            "RepositoryModelLoad": self._load,
            "RepositoryModelUnload": self._unload,
        }
        handlers = {name: grpc.unary_unary_rpc_method_handler(_simple(name, call)) for name, call in calls.items()}
        return handlers | {"ModelInfer": grpc.unary_unary_rpc_method_handler(self._infer)}

    async def _infer(self, data: bytes, context: Context) -> bytes:
        started = self.called = time.perf_counter()
        slot: Slot | None = None
        limiter, held = self._engine.limiter, 0
        status, rows, answer, message = 200, 0, b"", ""
        try:
            request = _read(ModelInferRequest, data)
            slot = self._models.find(request.model_name, request.model_version)
            slot.used = started
            slot.counts.in_flight += 1
            limiter.enter(slot.counts.in_flight - 1, slot.seconds_a_call)
            limiter.hold(len(data))
            held = len(data)
            header_id = None if request.id else _header_id(context)
            rows, answer = await self._engine.answer(slot, request, len(data), header_id, convert.parse, convert.encode)
        except BadRequest as error:
            status, message = error.status, str(error)
        except asyncio.CancelledError:
            status = CLIENT_GONE
            raise
        except Exception:
            status, message = 500, unexpected()
        finally:
            limiter.release(held)
            if slot is not None:
                slot.counts.in_flight -= 1
                slot.counts.count(status, started, time.perf_counter(), rows)
        if status != 200:
            await _abort(context, status, message)
        return answer

    async def _live(self, _: Any) -> dict[str, Any]:
        return {"live": True}

    async def _ready(self, _: Any) -> dict[str, Any]:
        return {"ready": self._engine.ready}

    async def _model_ready(self, request: Any) -> dict[str, Any]:
        slot = self._models.find(request.name, request.version)
        return {"ready": slot.answers and self._engine.ready}

    async def _server(self, _: Any) -> dict[str, Any]:
        return {"name": rest.SERVER_NAME, "version": rest.SERVER_VERSION, "extensions": rest.EXTENSIONS}

    async def _metadata(self, request: Any) -> dict[str, Any]:
        slot = self._models.find(request.name, request.version)
        model = await self._models.loaded(slot)
        versions = self._models.versions(slot.name)
        return convert.metadata(rest.metadata(slot.name, versions, model.manifest))

    async def _index(self, request: Any) -> dict[str, Any]:
        return {"models": await self._models.index(request.ready)}

    async def _load(self, request: Any) -> dict[str, Any]:
        name = _model_name(request)
        await self._models.load(name)
        return {"model_name": name, "isLoaded": True}

    async def _unload(self, request: Any) -> dict[str, Any]:
        name = _model_name(request)
        await self._models.unload(name)
        return {"model_name": name, "isUnloaded": True}


def _header_id(context: Context) -> str | None:
    return next((value for key, value in context.invocation_metadata() or () if key == ID_HEADER), None)


def _model_name(request: Any) -> str:
    """Returns the model's name in a request to load or unload it; KServe's clients put it in the first field."""
    rest.check_control({"parameters": dict(request.parameters)})
    return str(request.model_name or request.repository_name)


def _simple(name: str, call: Answer) -> Callable[[bytes, Context], Awaitable[bytes]]:
    """Returns a handler from bytes to bytes for ``call``, which returns the fields of its response."""
    request, response = MESSAGES[f"{name}Request"], MESSAGES[f"{name}Response"]

    async def handler(data: bytes, context: Context) -> bytes:
        try:
            return response(**await call(_read(request, data))).SerializeToString()  # type: ignore[no-any-return]
        except BadRequest as error:
            status, message = error.status, str(error)
        except Exception:
            status, message = 500, unexpected()
        await _abort(context, status, message)
        raise AssertionError("abort raises")

    return handler


def _read(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise BadRequest(f"the message is not a {kind.DESCRIPTOR.name}: {error}") from None


async def _abort(context: Context, status: int, message: str) -> None:
    await context.abort(CODES.get(status, grpc.StatusCode.INTERNAL), _cut(message))


def _cut(message: str) -> str:
    """Cuts the message to MAX_DETAILS bytes as a header: percent-encoding takes three for each byte not plain ASCII."""
    size = 0
    for index, character in enumerate(message):
        size += 1 if " " <= character <= "~" and character != "%" else 3 * len(character.encode())
        if size > MAX_DETAILS:
            return message[:index]
    return message
