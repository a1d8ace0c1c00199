"""``python echo.py PORT`` serves with the model server's HTTP server and settings: it reads a body, and answers as many
bytes as the path says."""

import asyncio
import sys

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.rsgi import HTTPProtocol, Scope
from granian.server.embed import Server

ANSWERS = {}
HEADERS = [("content-type", "application/json")]


async def app(scope: Scope, proto: HTTPProtocol) -> None:
    await proto()
    answer = ANSWERS.get(scope.path)
    if answer is None:
        answer = ANSWERS[scope.path] = b"x" * int(scope.path[1:])
    proto.response_bytes(200, HEADERS, answer)


async def serve() -> None:
    server = Server(
        app,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        log_level=LogLevels.error,
    )
    await server.serve()


asyncio.run(serve())
