"""A proxy inside of the pod that connects to allowed addresses alone, for libraries whose connections we don't make.

The S3 client follows redirects by itself, also to the metadata address of the machine; as it asks this proxy for every
connection, each is checked. Only what reads is let through.
"""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from contextlib import suppress
from functools import cache
from urllib.parse import urlsplit

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.sources import guard

LONGEST_HEAD, PIECE = 64 * 1024, 256 * 1024
CONNECT_SECONDS, IDLE_SECONDS = 10.0, 60.0
_REFUSED = "modelyard-refused"
"""Stands in the status line of an answer to a request that was refused, and so in the client's error."""


@cache
def port() -> int:
    """Starts the proxy on the loopback once, and returns its port."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="relay", daemon=True).start()
    return int(server.server_address[1])


refused: list[UserError] = []
"""What was refused last: the client's own error says only that its request has failed."""


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError, ValueError):
            self._handle()

    def _handle(self) -> None:
        self.request.settimeout(IDLE_SECONDS)
        head, rest = _head(self.request)
        first, _, fields = head.partition(b"\r\n")
        method, target, version = first.decode("latin-1").split(" ", 2)
        tunnel = method == "CONNECT"
        if not tunnel and method not in ("GET", "HEAD"):
            return self._answer(405, "Method Not Allowed")
        url = urlsplit(f"//{target}" if tunnel else target)
        host, port = url.hostname or "", url.port or (443 if tunnel else 80)
        try:
            upstream = _connect(host, port)
        except UserError as error:
            refused[:] = [error]
            return self._answer(403, _REFUSED)
        except OSError:
            return self._answer(502, "Bad Gateway")
        with upstream:
            if tunnel:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                path = (url.path or "/") + (f"?{url.query}" if url.query else "")
                kept = [
                    line for line in fields.split(b"\r\n") if not line.lower().startswith((b"connection:", b"proxy-"))
                ]
                lines = [f"{method} {path} {version}".encode("latin-1"), *kept, b"Connection: close"]
                upstream.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
            if rest:
                upstream.sendall(rest)
            _carry(self.request, upstream)

    def _answer(self, status: int, reason: str) -> None:
        self.request.sendall(f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(LONGEST_HEAD)
        if not piece or len(data) > LONGEST_HEAD:
            raise ValueError("no request")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _connect(host: str, port: int) -> socket.socket:
    """Connects to the first address of the host that takes the connection. Raises UserError and OSError."""
    last: OSError = OSError(f"{host} has no address")
    for address in guard.addresses(host, port):
        try:
            return socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        except OSError as error:
            last = error
    raise last


def _carry(left: socket.socket, right: socket.socket) -> None:
    """Carries bytes both ways until one side closes, or nothing comes for a while."""
    other = {left: right, right: left}
    while True:
        ready, _, _ = select.select([left, right], [], [], IDLE_SECONDS)
        if not ready:
            return
        for side in ready:
            piece = side.recv(PIECE)
            if not piece:
                return
            other[side].sendall(piece)
