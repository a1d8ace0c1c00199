"""A reverse proxy between the operator under test and the API server, which can inject faults.

It serves plain HTTP on 127.0.0.1 and forwards requests as a given user. It records every call, asks a fault before and
after each request, and keeps each open watch as a ``Stream``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import yaml
from aiohttp import web

from tests.support.api import Api
from tests.support.stream import Drops, Stream

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(eq=False)
class Call:
    """One request. ``code`` is that of the API server's answer, 0 before the answer or if the server was not asked."""

    method: str
    path: str
    body: Any
    query: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    code: int = 0

    @property
    def _after(self) -> list[str]:
        parts = self.path.split("/")
        return parts[parts.index("namespaces") + 2 :] if "namespaces" in parts else parts[-1:]

    @property
    def plural(self) -> str:
        """Returns the resource's plural, for example ``configmaps``; of a status write, ``gears/status``."""
        return "/".join([self._after[0] if self._after else "namespaces", *self._after[2:]])

    @property
    def name(self) -> str:
        """Returns the object's name, also in a create; empty for lists and watches."""
        if len(self._after) > 1:
            return self._after[1]
        return str(self.body["metadata"]["name"]) if self.method == "POST" else ""

    @property
    def verb(self) -> str:
        """Returns the verb as in RBAC, but ``apply`` for an apply patch."""
        if self.method == "GET":
            watch = self.query.get("watch") == "true"
            return "get" if self.name else "watch" if watch else "list"
        apply = "apply-patch" in self.content_type
        return {"POST": "create", "PUT": "update", "DELETE": "delete"}.get(self.method, "apply" if apply else "patch")

    @property
    def is_write(self) -> bool:
        """Returns whether the call writes anything but a Lease, whose renewals never stop."""
        return self.method in WRITES and self.plural != "leases"


class Reply(NamedTuple):
    """An answer that the proxy gives instead of the API server."""

    code: int
    document: Any
    headers: dict[str, str] = {}  # noqa: RUF012


Fault = Callable[[str, Call], Awaitable[Reply | None]]
"""Called with ``before`` or ``after`` and each request. It may wait, raise ConnectionError to cut the connection, or,
before a request, return the answer."""


@dataclass
class Proxy:
    api: Api
    user: str
    """The user with whose rights requests are forwarded; the test itself may have more rights."""
    groups: tuple[str, ...] = ("system:authenticated",)
    calls: list[Call] = field(default_factory=list)
    fault: Fault | None = None
    drops: Drops | None = None
    """Returns whether to drop a watch event."""
    streams: set[Stream] = field(default_factory=set)
    """The watches that are open."""
    opened: Callable[[Stream], None] = lambda stream: None
    """Called with each new watch before its first line."""

    async def __aenter__(self) -> Proxy:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for stream in self.streams:
            stream.close()
        await self._runner.cleanup()

    def writes(self) -> list[Call]:
        """Returns every write that was sent, except those to Leases."""
        return [call for call in self.calls if call.is_write]

    def expire_watches(self) -> None:
        """Ends every open watch with the API server's error for too short a history (410)."""
        for stream in self.streams:
            stream.error(410)

    def kubeconfig(self, folder: Path) -> Path:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": self.url}}],
            "users": [{"name": "proxy", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        document = json.loads(body) if body else None
        content_type = request.headers.get("Content-Type", "")
        call = Call(request.method, request.path, document, dict(request.query), content_type)
        self.calls.append(call)
        try:
            if self.fault and (reply := await self.fault("before", call)):
                text = json.dumps(reply.document) + "\n"
                return web.Response(
                    status=reply.code, text=text, headers=reply.headers, content_type="application/json"
                )
            if call.verb == "watch":
                return await self._watch(request, call)
            # Shield the request, so that a write under way arrives even if its sender is killed meanwhile.
            content = await asyncio.shield(asyncio.ensure_future(self._forward(request, call, body)))
            if self.fault:
                await self.fault("after", call)
            return web.Response(status=call.code, body=content, content_type="application/json")
        except (ConnectionError, aiohttp.ClientConnectionError):
            if request.transport is not None:
                request.transport.close()
            return web.Response()

    async def _forward(self, request: web.Request, call: Call, body: bytes) -> bytes:
        async with self._sent(request, call, body) as answer:
            content = await answer.read()
            call.code = answer.status
            return content

    def _sent(self, request: web.Request, call: Call, body: bytes) -> Any:
        headers = {key: request.headers[key] for key in ("Accept", "Content-Type") if key in request.headers}
        groups = [("Impersonate-Group", group) for group in self.groups]
        impersonated = [*headers.items(), ("Impersonate-User", self.user), *groups]
        url = self.api.server + request.path
        timeout = aiohttp.ClientTimeout(total=None)
        return self.api.session.request(
            call.method, url, params=call.query, data=body or None, headers=impersonated, timeout=timeout
        )

    async def _watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        async with self._sent(request, call, b"") as answer:
            call.code = answer.status
            if answer.status != 200:
                return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")
            stream = Stream(call.plural, answer, lambda event: bool(self.drops and self.drops(event)))
            self.streams.add(stream)
            self.opened(stream)
            try:
                return await stream.pass_on(request)
            finally:
                self.streams.discard(stream)
