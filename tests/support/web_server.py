"""A web server with files, by http, or by https with a certificate of its own CA; and with servers' bad manners."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOKEN = "open-sesame-token"
USER, PASSWORD = "robot", "open-sesame"
_BASIC = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """Serves ``files`` by their paths. What is below ``/token/`` and ``/basic/`` is behind credentials, and ``answers``
    holds functions for other paths. ``asked`` are the requests, as method and path, and their Authorization."""

    def __init__(self, address: str, folder: Path | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        self.credentials: list[str | None] = []
        self.etags, self.heads = True, True
        self._http = ThreadingHTTPServer((address, 0), self._handler())
        self._http.daemon_threads = True
        scheme, self.ca = "http", ""
        if folder is not None:
            scheme, self.ca = "https", _certify(folder, address)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "server.crt", folder / "server.key")
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = f"{scheme}://{address}:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def redirect(self, path: str, to: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", to)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        self.answers[path] = answer

    def status(self, path: str, code: int) -> None:
        self.answers[path] = lambda handler: handler.send_error(code)

    def endless(self, path: str, piece: bytes = b"1,2\n" * 16384, pause: float = 0.0) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            while handler.command == "GET":
                handler.wfile.write(piece)
                time.sleep(pause)

        self.answers[path] = answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                site.asked.append((self.command, self.path))
                site.credentials.append(self.headers.get("Authorization"))
                wanted = {"token": f"Bearer {TOKEN}", "basic": _BASIC}.get(path.split("/")[1])
                if self.command == "HEAD" and not site.heads:
                    self.send_error(405)
                elif wanted and self.headers.get("Authorization") != wanted:
                    self.send_error(401)
                elif path in site.answers:
                    site.answers[path](self)
                elif path.endswith("/"):
                    names = sorted(name.removeprefix(path) for name in site.files if name.startswith(path))
                    self._send("".join(f'<a href="{name}">{name}</a>\n' for name in names).encode(), "text/html")
                elif path in site.files:
                    self._send(site.files[path], "text/csv")
                else:
                    self.send_error(404)

            do_HEAD = do_GET

            def _send(self, data: bytes, type_: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", type_)
                self.send_header("Content-Length", str(len(data)))
                if site.etags:
                    self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()[:16]}"')
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _certify(folder: Path, address: str) -> str:
    """Makes a CA and the server's certificate in the folder, and returns the CA's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "names").write_text(f"subjectAltName=IP:{address}\n")
    signed = ("-days", "30", "-out", "server.crt", "-extfile", "names")
    steps = (
        ("req", "-x509", *_CURVE, "-subj", "/CN=tests-ca", "-keyout", "ca.key", "-out", "ca.crt"),
        ("req", *_CURVE[:-2], "-subj", "/CN=tests", "-keyout", "server.key", "-out", "server.csr"),
        ("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", *signed),
    )
    for step in steps:
        subprocess.run(["openssl", *step], cwd=folder, check=True, capture_output=True)
    return (folder / "ca.crt").read_text()


@contextmanager
def site(address: str, folder: Path | None = None) -> Iterator[Site]:
    """Runs the server on this address until the end of the block: by https with certificates in ``folder``, if any."""
    server = Site(address, folder)
    try:
        yield server
    finally:
        server.close()
