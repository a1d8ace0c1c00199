"""Answers the kubelet and the operator: whether the server takes part in edits, and who can come in.

A server whose databases can't be used starts all the same and answers, but without live edits. So it is asked for a
session of an edit, as a browser would.
"""

from __future__ import annotations

import json
import socket
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from modelyard_api.wire.workspace import HEALTH_PATH, Health
from modelyard_workspace import tokens
from modelyard_workspace.places import Places

DOCUMENT = ".modelyard-readiness"
"""The document of the session that is asked for. It need not exist."""
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class HealthServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, places: Places, jupyter_port: int, token: str) -> None:
        self.address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
        self.places, self.token = places, token
        self.session = f"http://127.0.0.1:{jupyter_port}/api/collaboration/session/{DOCUMENT}"
        super().__init__(("", port), _Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def takes_part(self) -> None:
        """Asks the server for a session. Raises OSError if it has none."""
        body = json.dumps({"format": "text", "type": "file"}).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.session, body, headers, method="PUT")
        with _open(request, timeout=4) as answer:
            answer.read()

    def health(self) -> Health:
        known = tokens.tokens(self.places.people)
        return Health(people=list(known), problems=[*self.places.problems(), *tokens.problems(known)])


class _Handler(BaseHTTPRequestHandler):
    server: HealthServer

    def do_GET(self) -> None:
        if self.path != HEALTH_PATH:
            return self._answer(404, b"")
        try:
            self.server.takes_part()
        except (OSError, ValueError) as error:
            return self._answer(503, f"the server does not take part in edits: {error}\n".encode())
        return self._answer(200, self.server.health().model_dump_json(by_alias=True).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: the kubelet asks every few seconds, and tells what it is answered."""
