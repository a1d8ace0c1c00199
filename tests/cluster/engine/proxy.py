"""The way to the real API server: directly for a test, through a proxy that can do harm for the operator under test.

The proxy speaks plain HTTP on 127.0.0.1 and forwards as the user it is told. It knows every write that passed, can drop
single watch events, end watches, and call a fault before or after any request.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Any

    @property
    def plural(self) -> str:
        """Of the resource, for example ``configmaps``; of a status write, ``gears/status``."""
        parts = self.path.split("/")
        after = parts[parts.index("namespaces") + 2 :] if "namespaces" in parts else parts[-1:]
        return "/".join([after[0], *after[2:]])


class Api:
    """Requests to the API server of the kubeconfig that KUBECONFIG names."""

    def __init__(self) -> None:
        path = os.environ.get("KUBECONFIG")
        assert path, "KUBECONFIG must name the test cluster's kubeconfig (make test sets it)"
        folder = Path(path).parent
        config = yaml.safe_load(Path(path).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server: str = cluster["server"]
        self._ssl = ssl.create_default_context(cafile=_file(folder, cluster, "certificate-authority"))
        self._ssl.load_cert_chain(_file(folder, user, "client-certificate"), _file(folder, user, "client-key"))
        self.session: aiohttp.ClientSession

    async def __aenter__(self) -> Api:
        connector = aiohttp.TCPConnector(ssl=self._ssl)
        self.session = aiohttp.ClientSession(connector=connector, auto_decompress=False, read_bufsize=2**21)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def __call__(
        self, method: str, path: str, body: Any = None, content: str = "application/merge-patch+json"
    ) -> Any:
        """The answer's document; raises AssertionError with the API server's message on another code than 2xx."""
        headers = {"Content-Type": content if method == "PATCH" else "application/json"}
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, self.server + path, data=data, headers=headers) as answer:
            document = await answer.json()
            assert answer.status < 300, f"{method} {path}: {document.get('message')}"
            return document

    async def find(self, path: str) -> Any | None:
        """The document, or None where there is none."""
        async with self.session.get(self.server + path) as answer:
            return None if answer.status == 404 else await answer.json()


def _file(folder: Path, part: dict[str, str], name: str) -> str:
    if name in part:
        return str(folder / part[name])
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(base64.b64decode(part[f"{name}-data"]))
    return file.name


Fault = Callable[[str, Call], Awaitable[None]]
"""Called with ``before`` or ``after`` and each request; may wait, or raise ConnectionError to cut the connection."""


@dataclass
class Proxy:
    api: Api
    user: str
    """Whose rights the operator has, whatever those of the test are."""
    calls: list[Call] = field(default_factory=list)
    fault: Fault | None = None
    drops: Callable[[dict[str, Any]], bool] | None = None
    """Whether a watch event never arrives."""
    _ends: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Proxy:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ends.set()
        await self._runner.cleanup()

    def writes(self) -> list[Call]:
        """Every write that was sent, but those to Leases."""
        return [call for call in self.calls if call.method in WRITES and call.plural != "leases"]

    def expire_watches(self) -> None:
        """Every watch that is open now ends as when the API server's history was too short (410)."""
        self._ends.set()
        self._ends = asyncio.Event()

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
        call = Call(request.method, request.path, json.loads(body) if body else None)
        self.calls.append(call)
        try:
            if self.fault:
                await self.fault("before", call)
            headers = {key: request.headers[key] for key in ("Accept", "Content-Type") if key in request.headers}
            headers |= {"Impersonate-User": self.user, "Impersonate-Group": "system:authenticated"}
            url = self.api.server + request.raw_path
            timeout = aiohttp.ClientTimeout(total=None)
            async with self.api.session.request(
                request.method, url, data=body or None, headers=headers, timeout=timeout
            ) as answer:
                if request.query.get("watch") == "true" and answer.status == 200:
                    return await self._watch(request, answer)
                content = await answer.read()
                if self.fault:
                    await self.fault("after", call)
                return web.Response(status=answer.status, body=content, content_type="application/json")
        except ConnectionError:
            if request.transport is not None:
                request.transport.close()
            return web.Response()

    async def _watch(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "application/json"})
        await out.prepare(request)
        ends = asyncio.ensure_future(self._ends.wait())
        try:
            while True:
                line = asyncio.ensure_future(answer.content.readline())
                await asyncio.wait({line, ends}, return_when=asyncio.FIRST_COMPLETED)
                if ends.done():
                    line.cancel()
                    error = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
                    await out.write(json.dumps({"type": "ERROR", "object": error}).encode() + b"\n")
                    break
                if not (text := line.result()):
                    break
                if self.drops is None or not self.drops(json.loads(text)):
                    await out.write(text)
        finally:
            ends.cancel()
        return out
