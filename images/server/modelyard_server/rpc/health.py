"""gRPC's health checking protocol (grpc.health.v1), as kubelets, gateways and clients ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Set
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from modelyard_server.engine import Engine
from modelyard_server.rpc.messages import HEALTH, build

SERVICE = "grpc.health.v1.Health"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
_MESSAGES = build("grpc.health.v1", HEALTH)


def handlers(engine: Engine, services: Set[str]) -> dict[str, Any]:
    """Returns method -> its handler. ``services`` are the known services; "" is the whole server."""

    async def check(data: bytes, context: Any) -> bytes:
        name = await _service(data, context)
        if name not in services:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {name[:128]!r}")
        return _answer(_status(engine))

    async def watch(data: bytes, context: Any) -> AsyncIterator[bytes]:
        name = await _service(data, context)
        if name not in services:
            yield _answer(SERVICE_UNKNOWN)
        reported = SERVICE_UNKNOWN
        while not engine.draining:
            changed = engine.changed
            if name in services and reported != (status := _status(engine)):
                yield _answer(reported := status)
            await changed.wait()
        if name in services:
            yield _answer(NOT_SERVING)
        # Abort: an open Watch call would keep the process from ending.
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is stopping")

    return {"Check": grpc.unary_unary_rpc_method_handler(check), "Watch": grpc.unary_stream_rpc_method_handler(watch)}


def _status(engine: Engine) -> int:
    return SERVING if engine.ready else NOT_SERVING


async def _service(data: bytes, context: Any) -> str:
    try:
        return str(_MESSAGES["HealthCheckRequest"].FromString(data).service)
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is not a HealthCheckRequest")
        raise


def _answer(status: int) -> bytes:
    return _MESSAGES["HealthCheckResponse"](status=status).SerializeToString()  # type: ignore[no-any-return]
