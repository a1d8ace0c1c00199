"""The gRPC server of a process: its port, the age of its connections, and its shutdown."""

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
"""Most bytes in a request; gRPC itself answers RESOURCE_EXHAUSTED to a larger one."""
CONNECTION_SECONDS = 10.0
"""How often, about, a client is asked to reconnect, so that new pods get requests and stopping pods lose theirs."""
QUIET_SECONDS = 0.5
"""The server stops once no call has come for this long."""
GRACE_SECONDS = 15.0
"""Time for the calls in flight at the stop to finish."""


class Listener:
    """Serves gRPC. ``start`` raises RuntimeError or OSError if it can't listen on the address."""

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
        """Waits until the clients have left, then closes the port and finishes the calls in flight.

        At its stop gRPC cancels calls that arrive before the client knows of the stop. So this waits up to the maximum
        age of a connection, by which every client was asked to leave (gRPC adds up to a tenth to that age).
        """
        deadline = time.perf_counter() + 1.1 * CONNECTION_SECONDS + QUIET_SECONDS
        wait = 0.0
        while wait >= 0:
            await asyncio.sleep(wait)
            wait = min(deadline, self._service.called + QUIET_SECONDS) - time.perf_counter()
        await self._server.stop(GRACE_SECONDS)
