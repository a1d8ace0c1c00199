"""The gRPC server of a process: its port, the age of its connections, and its end."""

from __future__ import annotations

import asyncio
import time

import grpc

from modelyard_server.engine import Engine
from modelyard_server.models import Models
from modelyard_server.rpc.health import SERVICE as HEALTH_SERVICE
from modelyard_server.rpc.health import handlers as health_handlers
from modelyard_server.rpc.service import SERVICE, Service

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes; gRPC itself answers RESOURCE_EXHAUSTED to a larger one."""
CONNECTION_SECONDS = 10.0
"""A client is asked to connect anew about this often: so new pods get their share, and a pod that stops is left."""
QUIET_SECONDS = 0.5
GRACE_SECONDS = 15.0
"""Calls in flight at the end have this long."""


class Listener:
    """Raises RuntimeError or OSError at the start when the address can't be had."""

    def __init__(self, engine: Engine, models: Models) -> None:
        self._service = Service(engine, models)
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
                ("grpc.max_connection_age_ms", int(1000 * CONNECTION_SECONDS)),
            ]
        )
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(SERVICE, self._service.handlers()),
                grpc.method_handlers_generic_handler(HEALTH_SERVICE, health_handlers(engine, {"", SERVICE})),
            )
        )

    async def start(self, address: str) -> None:
        self._server.add_insecure_port(address)
        await self._server.start()

    async def stop(self) -> None:
        """Waits until the clients have left, then closes the port and finishes what is in flight.

        gRPC cancels the calls that arrive at the moment of its stop, before the client knows of it. So clients that go
        on calling have the time in which each connection is asked to leave for its age (gRPC adds up to a tenth to it).
        """
        until = time.perf_counter() + 1.1 * CONNECTION_SECONDS + QUIET_SECONDS
        wait = 0.0
        while wait >= 0:
            await asyncio.sleep(wait)
            wait = min(until, self._service.called + QUIET_SECONDS) - time.perf_counter()
        await self._server.stop(GRACE_SECONDS)
