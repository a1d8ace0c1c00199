"""The REST paths of the Open Inference Protocol, as a granian RSGI application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from granian.rsgi import HTTPProtocol, ProtocolClosed, ProtocolError, Scope

from modelyard_api.wire.request_counts import CLIENT_GONE
from modelyard_server import openapi, rest
from modelyard_server.body import read_body
from modelyard_server.engine import Engine, Parse, unexpected
from modelyard_server.limiter import RETRY_AFTER, Overloaded
from modelyard_server.metrics import CONTENT_TYPE, Metrics
from modelyard_server.models import Models, Slot, unavailable
from modelyard_server.observe.answer import chosen, document
from modelyard_server.protocol import ID_HEADER
from modelyard_server.rest import HEADER_LENGTH, JSON, Headers
from modelyard_server.tensors import BadRequest, shown

if TYPE_CHECKING:
    from modelyard_api.wire.packing import CatalogueState

CATALOGUE_PATH = "/v2/catalogue"
"""``modelyard_api.wire.packing.CATALOGUE_PATH``, whose module imports pydantic."""
MAX_BODY = 16 * 1024 * 1024
MAX_CONTROL = 64 * 1024
"""Most bytes in the body of a request to the repository."""

Answer = tuple[int, Headers, bytes]
_TEXT: Headers = [("content-type", CONTENT_TYPE)]
_CLOSE = ("connection", "close")


class App:
    """The RSGI application. While the engine is draining every answer closes its connection, so that clients with
    kept-alive connections go to another server."""

    def __init__(
        self, models: Models, engine: Engine, catalogue: Callable[[str | None], CatalogueState] | None = None
    ) -> None:
        self._catalogue = catalogue
        self.models, self.engine, self.limiter = models, engine, engine.limiter
        self.metrics = Metrics(models, engine)
        self._slots = models.infer_paths
        self._merging = ThreadPoolExecutor(1, thread_name_prefix="merge")
        self._gets: dict[str, Callable[[], Answer]] = {
            "/v2": lambda: (200, JSON, rest.SERVER),
            "/v2/health/live": lambda: (200, JSON, b'{"live":true}'),
            "/v2/health/ready": self._ready,
            "/v2/models": self._names,
            openapi.PATH: lambda: (200, JSON, rest.dumps(openapi.document(models))),
            "/metrics": lambda: (200, _TEXT, self.metrics.exposition()),
        }

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        slot = self._slots.get(scope.path)
        if slot is not None and scope.method == "POST":
            await self._infer(slot, scope, proto)
            return
        try:
            status, headers, body = await self._other(scope, proto)
        except BadRequest as error:
            status, headers, body = _refused(error)
        except (ProtocolClosed, ProtocolError):
            return
        except Exception:
            status, headers, body = 500, JSON, rest.error(unexpected())
        self._send(proto, status, headers, body)

    async def _infer(self, slot: Slot, scope: Scope, proto: HTTPProtocol) -> None:
        slot.used = started = time.perf_counter()
        counts = slot.counts
        counts.in_flight += 1
        status, headers, rows, held = 200, JSON, 0, 0
        try:
            self.limiter.enter(counts.in_flight - 1, slot.seconds_a_call)
            sent = scope.headers
            parse = rest.parse if (length := sent.get(HEADER_LENGTH)) is None else _with_binary(length)
            data = await read_body(self.limiter, sent, proto, MAX_BODY)
            held = len(data)
            rows, (headers, body) = await self.engine.answer(slot, data, held, sent.get(ID_HEADER), parse, rest.encode)
        except BadRequest as error:
            status, headers, body = _refused(error)
        except (ProtocolClosed, ProtocolError):
            status, body = CLIENT_GONE, b""
        except Exception:
            status, headers, body = 500, JSON, rest.error(unexpected())
        finally:
            counts.in_flight -= 1
            self.limiter.release(held)
        if status != CLIENT_GONE:
            self._send(proto, status, [*headers, _CLOSE] if slot.leaving else headers, body)
        counts.count(status, started, time.perf_counter(), rows)

    async def _other(self, scope: Scope, proto: HTTPProtocol) -> Answer:
        path, method = scope.path, scope.method
        answer = self._gets.get(path)
        if answer is not None:
            return answer() if method == "GET" else _not_allowed(method, path, "GET")
        if path == CATALOGUE_PATH and self._catalogue is not None:
            return self._listed(scope.query_string) if method == "GET" else _not_allowed(method, path, "GET")
        parts = path.split("/")[1:]
        if parts[:2] == ["v2", "repository"]:
            control = self._control(parts[2:])
            if control is not None:
                if method != "POST":
                    return _not_allowed(method, path, "POST")
                data = await read_body(self.limiter, scope.headers, proto, MAX_CONTROL)
                self.limiter.release(len(data))
                return await control(rest.document(data or b"{}"))
        if parts[:2] == ["v2", "models"] and len(parts) > 2:
            name, version, last = parts[2], None, parts[3:]
            if last[:1] == ["versions"] and len(last) > 1 and last[1]:
                version, last = last[1], last[2:]
            slot = self.models.find(name, version)
            if last == ["infer"]:
                return _not_allowed(method, path, "POST")
            if last in ([], ["ready"], ["sketches"]):
                if method != "GET":
                    return _not_allowed(method, path, "GET")
                if last == ["sketches"]:
                    return await self._sketches(slot, scope.query_string)
                return self._model_ready(slot) if last else await self._metadata(slot)
        example = next((slot.name for slot in self.models), "NAME")
        raise BadRequest(f"unknown path {path[:256]!r}: POST /v2/models/{example}/infer predicts", 404)

    def _control(self, parts: list[str]) -> Callable[[dict[str, Any]], Awaitable[Answer]] | None:
        """Returns the handler of a path below /v2/repository, or None."""
        if parts == ["index"]:
            return self._index
        if len(parts) == 3 and parts[0] == "models" and parts[2] in ("load", "unload"):
            change = self.models.load if parts[2] == "load" else self.models.unload

            async def control(document: dict[str, Any]) -> Answer:
                rest.check_control(document)
                await change(parts[1])
                return 200, JSON, b"{}"

            return control
        return None

    async def _index(self, document: dict[str, Any]) -> Answer:
        ready = document.get("ready", False)
        if type(ready) is not bool:
            raise BadRequest(f"ready {shown(ready)} is not true or false")
        return 200, JSON, rest.dumps(await self.models.index(ready))

    def _listed(self, query: str) -> Answer:
        """Answers with the state of the catalogue's models; with ``?name=`` of one of them."""
        assert self._catalogue is not None
        name = parse_qs(query).get("name", [None])[0]
        return 200, JSON, rest.dumps(self._catalogue(name).wire())

    def _names(self) -> Answer:
        return 200, JSON, rest.dumps({"models": list(dict.fromkeys(slot.name for slot in self.models))})

    def _ready(self) -> Answer:
        if self.engine.draining:
            return 503, JSON, rest.error("the server is stopping")
        if not self.engine.started:
            return 503, JSON, rest.error("the models are being loaded")
        return 200, JSON, b'{"ready":true}'

    def _model_ready(self, slot: Slot) -> Answer:
        if self.engine.draining or slot.answers:
            return self._ready()
        return 503, JSON, rest.error(unavailable(slot))

    async def _metadata(self, slot: Slot) -> Answer:
        model = await self.models.loaded(slot)
        versions = self.models.versions(slot.name)
        return 200, JSON, rest.dumps(rest.metadata(slot.name, versions, model.manifest))

    async def _sketches(self, slot: Slot, query: str) -> Answer:
        if slot.model is None:
            raise BadRequest(unavailable(slot), 503)
        parts = chosen(slot, slot.model.manifest.digest, query)
        return 200, JSON, await asyncio.get_running_loop().run_in_executor(self._merging, document, parts)

    def _send(self, proto: HTTPProtocol, status: int, headers: Headers, body: bytes) -> None:
        proto.response_bytes(status, [*headers, _CLOSE] if self.engine.draining else headers, body)


def _refused(error: BadRequest) -> Answer:
    headers = JSON
    if isinstance(error, Overloaded):
        headers = [*JSON, RETRY_AFTER]
    elif error.status in (408, 413):  # the rest of the body stays unread, so the connection can't be reused
        headers = [*JSON, _CLOSE]
    return error.status, headers, rest.error(str(error))


def _not_allowed(method: str, path: str, allowed: str) -> Answer:
    return 405, [*JSON, ("allow", allowed)], rest.error(f"{method} is not allowed on {path}: use {allowed}")


def _with_binary(value: str) -> Parse[bytes]:
    """Returns a parser of bodies whose first bytes, as many as the header says, are JSON. Raises BadRequest."""
    if not (value.isascii() and value.isdigit() and len(value) <= 12):
        raise BadRequest(f"{HEADER_LENGTH} {value[:64]!r} is not a number of bytes")
    return partial(rest.parse_binary, length=int(value))
