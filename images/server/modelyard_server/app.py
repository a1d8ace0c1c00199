"""The paths of the Open Inference Protocol, as a granian RSGI application.

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
from typing import Any

from granian.rsgi import HTTPProtocol, ProtocolClosed, ProtocolError, Scope

from modelyard_server import protocol
from modelyard_server.metrics import CLIENT_GONE, CONTENT_TYPE, Metrics
from modelyard_server.model import OnnxModel
from modelyard_server.say import say
from modelyard_server.tensors import BadRequest

MAX_BODY = 16 * 1024 * 1024
INLINE_BYTES = 64 * 1024
"""Bodies up to this size are parsed on the event loop: about a millisecond."""
INLINE_SECONDS = 0.005
"""Predictions expected to take longer than this leave the event loop."""
LARGE_AT_ONCE = 2
"""Large requests answered at once: each may need ten times its body in memory."""

Headers = list[tuple[str, str]]
_JSON: Headers = [("content-type", "application/json")]
_TEXT: Headers = [("content-type", CONTENT_TYPE)]
_CLOSE = ("connection", "close")


class App:
    """``model`` is None until it is loaded and checked; while ``draining`` every answer ends its connection."""

    def __init__(self, name: str, version: str) -> None:
        self.name, self.version = name, version
        self.model: OnnxModel | None = None
        self.draining = False
        self.metrics = Metrics(name, version)
        self._pool = ThreadPoolExecutor(LARGE_AT_ONCE, thread_name_prefix="large")
        self._infer_paths: set[str] = set()
        self._gets: dict[str, Callable[[], tuple[int, Headers, bytes]]] = {
            "/v2": self._server,
            "/v2/health/live": lambda: (200, _JSON, b'{"live":true}'),
            "/v2/health/ready": self._ready,
            "/metrics": lambda: (200, _TEXT, self.metrics.exposition()),
        }
        for base in (f"/v2/models/{name}", f"/v2/models/{name}/versions/{version}"):
            self._infer_paths.add(f"{base}/infer")
            self._gets[base] = self._metadata
            self._gets[f"{base}/ready"] = self._ready

    def serve(self, model: OnnxModel) -> None:
        """From now on this model answers, and the server is ready."""
        self.metrics.digest = model.manifest.digest
        self.model = model
        self.metrics.ready = not self.draining

    def drain(self) -> None:
        """Not ready any more; requests are still answered, each on a connection that ends with it, so that clients
        with connections kept alive go to another server."""
        self.draining = True
        self.metrics.ready = False

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        if scope.path in self._infer_paths and scope.method == "POST":
            await self._infer(scope, proto)
            return
        try:
            status, headers, body = self._other(scope)
        except Exception:
            status, headers, body = 500, _JSON, _unexpected()
        self._send(proto, status, headers, body)

    async def _infer(self, scope: Scope, proto: HTTPProtocol) -> None:
        started = time.perf_counter()
        metrics = self.metrics
        metrics.in_flight += 1
        status, headers, rows = 200, _JSON, 0
        try:
            rows, body = await self._answer(scope, proto)
        except BadRequest as error:
            status, body = error.status, protocol.error(str(error))
            if status == 413:  # what is left of the body is not read, so the connection can't go on
                headers = [*_JSON, _CLOSE]
        except (ProtocolClosed, ProtocolError):
            status, body = CLIENT_GONE, b""
        except Exception:
            status, body = 500, _unexpected()
        finally:
            metrics.in_flight -= 1
        if status != CLIENT_GONE:
            self._send(proto, status, headers, body)
        metrics.count(status, time.perf_counter() - started, rows)

    async def _answer(self, scope: Scope, proto: HTTPProtocol) -> tuple[int, bytes]:
        model = self.model
        if model is None:
            raise BadRequest("the model is being loaded", 503)
        body = await _read(scope, proto)
        if len(body) > INLINE_BYTES:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._whole, model, body)
        request = protocol.parse(body, model.manifest)
        if max(model.seconds_a_call, request.rows * model.seconds_a_row) > INLINE_SECONDS:
            arrays = await asyncio.get_running_loop().run_in_executor(self._pool, model.predict, request)
        else:
            arrays = model.predict(request)
        return request.rows, protocol.encode(self.name, self.version, request, arrays)

    def _whole(self, model: OnnxModel, body: bytes) -> tuple[int, bytes]:
        request = protocol.parse(body, model.manifest)
        return request.rows, protocol.encode(self.name, self.version, request, model.predict(request))

    def _other(self, scope: Scope) -> tuple[int, Headers, bytes]:
        path, method = scope.path, scope.method
        answer = self._gets.get(path)
        if answer is not None:
            return answer() if method == "GET" else _not_allowed(method, path, "GET")
        if path in self._infer_paths:
            return _not_allowed(method, path, "POST")
        return 404, _JSON, protocol.error(self._unknown(path))

    def _unknown(self, path: str) -> str:
        parts = path.split("/")
        here = f"this server serves {self.name!r} version {self.version}"
        if len(parts) > 3 and parts[1:3] == ["v2", "models"]:
            if parts[3] != self.name:
                return f"unknown model {parts[3][:128]!r}: {here}"
            if len(parts) > 5 and parts[4] == "versions" and parts[5] != self.version:
                return f"unknown version {parts[5][:128]!r} of model {self.name!r}: {here}"
        return f"unknown path {path[:256]!r}: POST /v2/models/{self.name}/infer predicts"

    def _server(self) -> tuple[int, Headers, bytes]:
        return 200, _JSON, b'{"name":"modelyard","version":"0.1.0","extensions":[]}'

    def _ready(self) -> tuple[int, Headers, bytes]:
        if self.draining:
            return 503, _JSON, protocol.error("the server is stopping")
        if self.model is None:
            return 503, _JSON, protocol.error("the model is being loaded")
        return 200, _JSON, b'{"ready":true}'

    def _metadata(self) -> tuple[int, Headers, bytes]:
        if self.model is None:
            return 503, _JSON, protocol.error("the model is being loaded")
        return 200, _JSON, protocol.metadata(self.name, self.version, self.model.manifest)

    def _send(self, proto: HTTPProtocol, status: int, headers: Headers, body: bytes) -> None:
        proto.response_bytes(status, [*headers, _CLOSE] if self.draining else headers, body)


def _not_allowed(method: str, path: str, allowed: str) -> tuple[int, Headers, bytes]:
    return 405, [*_JSON, ("allow", allowed)], protocol.error(f"{method} is not allowed on {path}: use {allowed}")


def _unexpected() -> bytes:
    """Logs the exception in flight under an id, and tells the client only the id."""
    identity = uuid.uuid4().hex
    say(f"request {identity} failed\n{traceback.format_exc()}")
    return protocol.error(f"internal error; the server's log has it as request {identity}")


async def _read(scope: Scope, proto: HTTPProtocol) -> bytes:
    """The body, at most MAX_BODY bytes: reading stops there whatever the client said. Raises BadRequest."""
    headers: Any = scope.headers
    if "inference-header-content-length" in headers:
        raise BadRequest("Inference-Header-Content-Length: binary tensor data is not supported yet: send JSON", 415)
    encoding = headers.get("content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise BadRequest(f"Content-Encoding {encoding[:64]!r} is not supported: send the JSON as it is", 415)
    length = headers.get("content-length")
    if length is not None and int(length) <= MAX_BODY:
        return await proto()
    if length is None:
        body = bytearray()
        async for chunk in proto:
            body += chunk
            if len(body) > MAX_BODY:
                break
        else:
            return bytes(body)
    raise BadRequest(f"the body is larger than {MAX_BODY} bytes: send fewer rows in a request", 413)
